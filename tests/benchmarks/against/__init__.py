"""`tests/benchmarks/run --against COMMIT`: two versions of the box side by side, and what became slower."""
