"""What the outbox asks of the journal while it sends: who is next, in which form, and what is left. Main process."""
