"""Decides which lane does what next: the dispatcher, the lanes and their child processes. Main process."""
