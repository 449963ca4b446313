"""What the packages for frontal chest films share: the films they are trained on, and the network."""
