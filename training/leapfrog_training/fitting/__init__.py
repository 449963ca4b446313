"""Fits networks to examples, in float and then in int8, the same for every package: `loop.py` does it, on `devices.py`,
with pictures changed by `augmentation.py`; `history.py` and `resume.py` are what it leaves behind.
"""
