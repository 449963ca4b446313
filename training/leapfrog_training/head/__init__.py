"""The package fetal-head: how it is fitted and what it is worth."""
