"""`leapfrog models install` and `remove`."""
