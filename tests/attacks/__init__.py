"""Attacks on a box at work, and a table of what a modality beside them noticed: `tests/attacks/run`."""
