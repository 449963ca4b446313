"""The package brachial-plexus: how it is fitted and what it is worth."""
