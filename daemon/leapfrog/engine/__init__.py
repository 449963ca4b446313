"""The engine host, and how a reader or a trial speaks to it.

`host.py` is a program of its own that imports nothing of ours; all else runs in a reader or in a trial.
"""
