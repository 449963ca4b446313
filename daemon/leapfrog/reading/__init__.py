"""From an instance's bytes to findings: the lane, the reader it runs, and the engine host that holds the models."""
