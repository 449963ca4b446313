"""Edge TPUs: found, proven, lent to lanes, and what is wrong with those that do not serve. Main process."""
