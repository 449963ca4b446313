"""What people read, in words. Both sides: the reader writes reports with it, the main process the worklist."""
