"""The VR that an element of implicit VR gets in explicit VR (PS3.5 Section 6.2 and Annex A.2), and how its numbers are
turned round.
"""

from pydicom.datadict import dictionary_VR

from leapfrog.dicom.encoding import LONG_VALUE_REPRESENTATIONS

UNKNOWN = b"UN"
SEQUENCE = b"SQ"
LONGEST_SHORT_VALUE = 0xFFFE  # bytes that a VR with a 16-bit length can have
# Where PS3.6 leaves the choice. The bytes of the value are the same whichever is chosen.
WORDS_IF_ANY = "OW"
SIGNED_OR_NOT = "US or SS"
# How many bytes make a number, whose order differs in big endian (PS3.5 Section 7.3).
NUMBER_BYTES = {
    **dict.fromkeys((b"AT", b"OW", b"SS", b"US"), 2),
    **dict.fromkeys((b"FL", b"OF", b"OL", b"SL", b"UL"), 4),
    **dict.fromkeys((b"FD", b"OD", b"OV", b"SV", b"UV"), 8),
}
BYTES_AND_TEXT = frozenset(b"AE AS CS DA DS DT IS LO LT OB PN SH ST TM UC UI UR UT".split())


def value_representation(tag: int, length: int | None, *, signed_pixels: bool) -> bytes:
    """The VR of an element that has none in the file. A private one, and one that PS3.6 does not have, is unknown (UN),
    and so is a value that is too long for the length that its VR has (PS3.5 Section 6.2.2).

    `signed_pixels`: the Pixel Representation of the data set that it is in.
    """
    try:
        name = dictionary_VR(tag)
    except KeyError:
        return UNKNOWN
    if name == SIGNED_OR_NOT:
        name = "SS" if signed_pixels else "US"
    elif WORDS_IF_ANY in name.split(" or "):
        name = WORDS_IF_ANY
    known = name.encode()
    if known == SEQUENCE:
        return known
    too_long = length is not None and length > LONGEST_SHORT_VALUE and known not in LONG_VALUE_REPRESENTATIONS
    return UNKNOWN if length is None or too_long else known


def turned_round(value: bytes, vr: bytes) -> bytes | None:
    """A value of a big-endian data set in little endian; None where it cannot be known what its bytes are."""
    if vr in BYTES_AND_TEXT or not value:
        return value
    size = NUMBER_BYTES.get(vr, 0)
    if not size or len(value) % size:
        return None
    turned = bytearray(len(value))
    for index in range(size):
        turned[index::size] = value[size - 1 - index :: size]
    return bytes(turned)
