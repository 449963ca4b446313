"""What is decided from films that no network saw: their views, which findings ship, and from which scores on."""
