"""What outlives a power cut: journal, spool, and what may be forgotten. Main process."""
