"""The package chest-findings: films, labels, training and measuring. Runs on the training machine only."""
