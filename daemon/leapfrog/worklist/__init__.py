"""Reports in the folder that staff open, and the list of them. Main process."""
