"""Whether a picture is one that its model should read, and what is wrong with it if not. Reader.

`checks.py` loads a package's check, whichever of the two formats it has: `quality.py` knows only pictures of another
kind, `defects.py` names what is wrong.
"""
