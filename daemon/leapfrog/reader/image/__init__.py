"""From an instance's bytes to the gray picture that a person should see. Reader."""
