"""Turns a measured network into a model package, the folder that a kiosk loads: manifest, card, hashes, signature."""
