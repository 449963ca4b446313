"""Storage commitment (PS3.4 Annex J): what modalities asked for is verified, and they are told. Main process.

The receiver takes the requests. A report goes back over the same association while that is open, else over a new one to
the address in the settings.
"""
