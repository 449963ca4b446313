"""From an instance's bytes to findings and reports. A child process that owns pixels; it may die at any moment."""
