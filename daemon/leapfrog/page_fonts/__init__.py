"""Fonts that pages bring along, so that a name is no row of boxes whatever device shows it. Both sides."""
