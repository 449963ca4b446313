"""The children of the main process: how they are started, spoken to and ended. Both sides."""
