"""From a picture to findings: which package, is it fit, what does the model say, how large is it. Reader.

Which words mean which view or machine: `routing.py`; body parts are the packages' own. What is estimated from a
measurement: `ESTIMATES` in `estimates.py`.
"""
