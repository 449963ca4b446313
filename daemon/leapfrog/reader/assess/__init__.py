"""From a picture to findings: choosing a package, checking the picture, classifying, outlining and measuring. Reader.

`routing.py` has the words for views and machines; those for body parts are in the packages. `check_in_front/` is what
looks at a picture before its model, `outlines/` what is made of a mask.
"""
