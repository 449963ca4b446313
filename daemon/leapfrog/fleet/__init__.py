"""What a box says of itself to its district, on both sides: the message, and how it is signed and checked."""
