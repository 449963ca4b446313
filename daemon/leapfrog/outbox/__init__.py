"""Sends what is owed to other servers. Main process."""
