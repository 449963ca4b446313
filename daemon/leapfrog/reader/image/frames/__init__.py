"""From the bytes of an instance to the stored values of its frames. Reader.

`DECODERS` in `decoders.py` has the decoders of each transfer syntax.
"""
