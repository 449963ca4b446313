"""From an instance's bytes to the gray picture that a person should see. Reader.

`DECODERS` in `decoding.py` has the decoder of each transfer syntax; `object_kind.py` has the SOP classes that are not
pictures.
"""
