"""Publishes reports in the folder that staff open, and lists them in the worklist. Main process."""
