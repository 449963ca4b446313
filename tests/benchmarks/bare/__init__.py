"""The bare machine as a peer: how quickly this disk and processor do what the box must do, with nothing around it."""
