"""`leapfrog doctor`: checks the box, its engine, Edge TPUs and models, and says what to do about each problem.

`doctor.py` runs the checks; each other file holds one kind of them, and `bundle.py` packs the result for support.
"""
