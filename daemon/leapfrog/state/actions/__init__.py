"""The log of who did what on this box: its lines, who stands in them, its files, and how it is checked."""
