"""What this box is known by, and what people decided on it and it signed. Main process."""
