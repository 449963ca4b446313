"""`leapfrog evaluate`, and `leapfrog models thresholds`, which takes a threshold over from its result."""
