"""What is made of an original that cannot be passed on as it came. Reader."""
