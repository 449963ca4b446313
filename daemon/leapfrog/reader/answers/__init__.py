"""Examines documents that came from a district, as the hostile input that they may be."""
