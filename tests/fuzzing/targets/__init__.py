"""The targets, each in a file of its own that defines `TARGET`. They are imported by name, so that a fuzzer can follow
the code of the one that it is to look at.
"""

NAMES = (
    "pdus", "wholeness", "elements", "pixels", "answers", "toml", "control", "signed", "ipp", "recoding", "documents",
    "sticks", "bundles",
)  # fmt: skip
