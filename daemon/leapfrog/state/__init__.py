"""Everything that outlives a power cut: the journal and its rows, the spool, the rendered reports. Main process.

`start/` is what a start does with what it finds, `upkeep/` what is done from time to time, `migrations/` what an older
journal lacks, `station/` what this box signs.
"""
