"""Property tests of the state: whatever happens to a box in whatever order, the invariants hold."""
