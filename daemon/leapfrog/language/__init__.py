"""How what people read is marked and said in their language. Both sides; the lowest storey, which imports none."""
