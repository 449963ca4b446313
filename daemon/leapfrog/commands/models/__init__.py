"""`leapfrog models install` and `leapfrog models remove`."""
