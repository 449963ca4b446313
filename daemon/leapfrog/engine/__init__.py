"""The engine host, and the code with which a reader or a trial talks to it.

`host.py` is a separate program that imports none of our code. Everything else here runs in a reader or in a trial.
"""
