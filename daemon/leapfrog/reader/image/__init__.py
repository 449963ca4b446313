"""From an instance's bytes to the gray picture that a person should see. Reader.

`DECODERS` in `frames/decoders.py` has the decoders of each transfer syntax; `object_kind.py` has the SOP classes that
are not pictures.
"""
