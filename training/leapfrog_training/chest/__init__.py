"""The package chest-findings: films, labels, training and measuring."""
