"""The district that looks after many boxes gets what this box says of itself."""
