"""The package brachial-plexus: how it is fitted and what it is worth. Runs on the training machine only."""
