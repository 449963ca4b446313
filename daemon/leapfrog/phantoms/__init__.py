"""Exams made by code. They look real enough to be assessed, and show no patient.

For the demonstration, the benchmark and tests; the daemon loads none of it.
"""
