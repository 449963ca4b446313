"""What an exam was found to be, in a few signed lines: the text of a sheet's code. Both sides."""
