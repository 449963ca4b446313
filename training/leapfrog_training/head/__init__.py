"""The package fetal-head: how it is trained, and how good it is."""
