"""What smaller copies of originals spare the link: `tests/compression/run`."""
