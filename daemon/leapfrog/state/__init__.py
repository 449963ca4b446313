"""Everything that outlives a power cut: the journal, the spool, and the rules for what is deleted. Main process."""
