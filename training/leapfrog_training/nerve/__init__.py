"""The package nerve: how it is trained, and how good it is."""
