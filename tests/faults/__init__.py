"""Faults, one kind a command, each in a box at work. README.md says what each does and how to read its table."""
