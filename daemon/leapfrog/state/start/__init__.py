"""What a start does with what it finds: the journal is opened or made anew, what the spool holds is taken in, and what
is wanted now is owed. Main process.
"""
