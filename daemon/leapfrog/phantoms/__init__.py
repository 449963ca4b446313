"""Exams made by code: they look enough like the real thing to be assessed, and no patient is behind any of them.

Runs in the demonstration and in tests, never in the daemon.
"""
