"""The report as data: a structured report (Comprehensive SR Storage) that follows the template of measurement reports
(PS3.16 TID 1500), for programs and for viewers that show such. Its text is English, whatever the station speaks.

`document.py` makes the object, `statements.py` what it says before the measurements, `images.py` what it says of each
image, `findings.py` of each finding, `regions.py` where in the picture; `codes.py` has the concepts.

Of highdicom the templates are used, and not the classes of whole objects: those load a table of the standard that takes
67 MB of memory for as long as the reader lives (measured), only to look up which attributes an image may have.
"""
