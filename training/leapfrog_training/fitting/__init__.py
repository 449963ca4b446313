"""Fits networks to examples, in float and then in int8, in the same way for every package. `loop.py` is the training
loop; it runs on the devices of `devices.py`, changes pictures with `augmentation.py`, and writes what `history.py` and
`resume.py` define.
"""
