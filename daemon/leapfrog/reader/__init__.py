"""From an instance's bytes to findings and reports. A child process; it may die at any moment."""
