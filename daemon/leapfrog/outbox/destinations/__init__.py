"""The kinds of server that the outbox can send to, one folder each. Main process."""
