"""How what people read is marked and said in their language. Both sides, and the lowest storey: it needs nothing of ours."""
