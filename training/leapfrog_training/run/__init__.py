"""The folder of one training, from `fit` to `package`: what is in it, and what it was made by."""
