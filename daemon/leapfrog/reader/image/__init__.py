"""From an instance's bytes to the gray picture that a person should see. Reader.

Which decoder takes which transfer syntax: `DECODERS` in `decoding.py`. What is no picture, by SOP class:
`object_kind.py`.
"""
