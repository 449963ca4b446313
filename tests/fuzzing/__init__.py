"""Fuzzing: made-up bytes for every place that reads what a stranger wrote, and what must hold whatever they are."""
