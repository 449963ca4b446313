"""The package fetal-head: its masks, how it is fitted, what it is worth."""
