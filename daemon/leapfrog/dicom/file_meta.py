"""The head of a DICOM file that we write around a data set which came without one (PS3.10 Section 7.1)."""

import struct

# Our name in the file meta information that we write: a UUID under 2.25 (PS3.5 Section B.2), minted once.
IMPLEMENTATION_CLASS_UID = b"2.25.260296573081352730755019682584660652257"
IMPLEMENTATION_VERSION_NAME = b"LEAPFROG"


def file_meta(sop_class_uid: bytes, sop_instance_uid: bytes, transfer_syntax_uid: bytes) -> bytes:
    """Preamble and file meta information for a data set that follows as it came."""
    elements = (
        struct.pack("<HH2s2xL", 0x0002, 0x0001, b"OB", 2)
        + b"\x00\x01"
        + _element(0x0002, b"UI", sop_class_uid)
        + _element(0x0003, b"UI", sop_instance_uid)
        + _element(0x0010, b"UI", transfer_syntax_uid)
        + _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID)
        + _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME)
    )
    return bytes(128) + b"DICM" + _element(0x0000, b"UL", struct.pack("<L", len(elements))) + elements


def _element(number: int, representation: bytes, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0002, number, representation, len(value)) + value
