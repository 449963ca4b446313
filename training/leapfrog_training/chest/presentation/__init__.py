"""What people see of a run: card, figures, and films read correctly and wrongly."""
