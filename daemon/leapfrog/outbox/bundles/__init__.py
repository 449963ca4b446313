"""Fetches what the district has for all of its boxes."""
