"""Model packages: what they hold, who signed them, which are in use. Both sides.

`manifest.py` has every key of `model.toml` with its meaning.
"""
