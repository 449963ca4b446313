"""Exams made by code: they look enough like the real thing to be assessed, and no patient is behind any of them.

For the demonstration, the benchmark and tests; the daemon loads none of it.
"""
