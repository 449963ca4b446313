"""Model packages: what one holds, whose signature it bears, which are in use. Both sides.

What `model.toml` may say: `manifest.py`, each key with its meaning.
"""
