"""`leapfrog backup` and `leapfrog restore`: the whole state of a box in one file, and back.

`archive.py` is the file; `backup.py` writes it while the daemon runs, `restore.py` puts it in place while none does.
"""
