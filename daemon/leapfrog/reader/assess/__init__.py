"""From a picture to findings: choosing a package, checking quality, classifying, outlining and measuring. Reader.

`routing.py` has the words for views and machines; those for body parts are in the packages. `ESTIMATES` in
`estimates.py` has everything that is estimated from a measurement.
"""
