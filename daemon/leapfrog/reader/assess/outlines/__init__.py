"""From a model's mask to outlines and what is measured of them. Reader.

`segmentation.py` fits one ellipse, as around a head, `free_outlines.py` follows each part of a mask, as around nerves.
`ESTIMATES` in `estimates.py` has everything that is estimated from a measurement, `POSSIBLE_SIZES` in
`possible_sizes.py` how large a thing can be.
"""
