"""Fits networks to examples, in float and then in int8: the loop and what it needs, the same for every package."""
