"""Edge TPUs: proving them, lending them to lanes, and what is wrong with those that do not serve."""
