"""Stands for Google's pycoral: the names of its `utils.edgetpu`, on whatever libedgetpu the test names."""
