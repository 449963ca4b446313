"""`leapfrog models install` and `remove`. A short program of its own."""
