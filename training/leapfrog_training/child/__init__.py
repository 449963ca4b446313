"""The package chest-child: how it is trained, and how good it is."""
