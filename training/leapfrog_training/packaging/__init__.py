"""From a measured network to a model package, the folder that a kiosk loads: manifest, card, hashes and signature."""
