"""How elements are encoded (PS3.5 Section 7.1): value representations, the tags that structure a data set, and the only
writer of elements.
"""

import struct
from dataclasses import dataclass

# PS3.5 Section 7.1.2: in explicit VR these have two reserved bytes and a length of 32 bits.
LONG_VALUE_REPRESENTATIONS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD


def is_value_representation(letters: bytes) -> bool:
    """Whether two bytes can be a VR, even one that the standard does not have yet."""
    return len(letters) == 2 and letters.isalpha() and letters.isupper()


@dataclass(frozen=True)
class Encoding:
    """How the elements of a data set are encoded."""

    explicit: bool
    little_endian: bool

    @property
    def byte_order(self) -> str:
        """The byte order as the struct module writes it."""
        return "<" if self.little_endian else ">"

    def element(self, tag: int, vr: bytes, value: bytes, *, undefined_length: bool = False) -> bytes:
        """An element's bytes. A UID of odd length is padded with a zero byte (PS3.5 Section 9.1); any other `value`
        must already be padded.
        """
        if vr == b"UI":
            value += b"\0" * (len(value) % 2)
        length = UNDEFINED_LENGTH if undefined_length else len(value)
        head = struct.pack(f"{self.byte_order}HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit or tag == ITEM:
            return head + struct.pack(f"{self.byte_order}L", length) + value
        if vr in LONG_VALUE_REPRESENTATIONS:
            return head + vr + b"\0\0" + struct.pack(f"{self.byte_order}L", length) + value
        return head + vr + struct.pack(f"{self.byte_order}H", length) + value

    def item(self, value: bytes) -> bytes:
        """An item of a sequence."""
        return self.element(ITEM, b"", value)


IMPLICIT_LITTLE = Encoding(explicit=False, little_endian=True)
EXPLICIT_LITTLE = Encoding(explicit=True, little_endian=True)
