"""The package brachial-plexus: how it is trained, and how good it is."""
