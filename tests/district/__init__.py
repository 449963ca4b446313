"""A night of many boxes at a district's server, with faults, and what came of it."""
