"""The folder of a run: what is in it, how a file gets there, and what it was made by."""
