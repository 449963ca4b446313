"""Where the outbox can send to, a folder each. Main process."""
