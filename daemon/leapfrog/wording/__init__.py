"""The text that people read. Both sides: the reader writes reports with it, the main process the worklist."""
