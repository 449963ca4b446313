"""What is owed to others, and how it gets there. Main process."""
