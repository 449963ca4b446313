"""Measurements of the whole box, with its peers in the same run. Not collected by pytest; see `run`."""
