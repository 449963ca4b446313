"""Model packages: what one holds, whose signature it bears, which are in use. Both sides."""
