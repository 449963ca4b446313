"""Asks districts whether a radiologist has answered, and fetches the answers."""
