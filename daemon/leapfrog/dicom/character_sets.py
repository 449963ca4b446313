"""Specific Character Set (PS3.3 Section C.12.1.1.2) as Python's codecs, and which one text is really in.

Where several could be meant, one wins for the bytes beyond ASCII, in this order:

1. a set that the file declares, unless that is one of `OFTEN_WRONG`, or UTF-8 for text that cannot be UTF-8;
2. UTF-8, if the bytes are that;
3. the set that the settings assume (`dicom.assumed_character_set`), if the bytes can be that;
4. what the file declares, or Latin-1.
"""

from collections.abc import Iterable

CODECS = {
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4",
    "ISO_IR 126": "iso8859-7",
    "ISO_IR 127": "iso8859-6",
    "ISO_IR 138": "iso8859-8",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 148": "iso8859-9",
    "ISO_IR 166": "tis-620",
    "ISO_IR 192": "utf-8",
    "ISO_IR 203": "iso8859-15",
    "ISO_IR 13": "shift-jis",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
# What machines write that know nothing of Specific Character Set. A person may say so, a file cannot.
CODE_PAGES = {
    "windows-874": "cp874",
    "windows-932": "cp932",
    "windows-936": "gbk",
    "windows-949": "cp949",
    **{f"windows-{number}": f"cp{number}" for number in range(1250, 1259)},
}
# A letter of these may have two bytes that look like one of UTF-8, where theirs would have three.
WIDE = frozenset(("GB18030", "GBK", "ISO_IR 13", "windows-932", "windows-936", "windows-949"))

UTF_8 = "ISO_IR 192"
LATIN_1 = "ISO_IR 100"
# Declared by machines whatever their text is in: it is UTF-8 if its bytes are. Two letters of another set can look like
# one of UTF-8, in Cyrillic and Greek even in words; in Latin-1, they would be a capital with an accent and a symbol.
OFTEN_WRONG = frozenset(("", "ISO_IR 6", LATIN_1))


def codec_of(character_set: bytes, values: Iterable[bytes] = (), assumed: str = "") -> str:
    """Python's codec for text in `character_set`, or the one in which `values` really are (see `actual_character_set`).

    An unknown one, or one that switches (ISO 2022), is decoded byte by byte as Latin-1, so that nothing is lost.
    """
    return python_codec(actual_character_set(character_set.decode("ascii", "replace"), values, assumed))


def python_codec(character_set: str) -> str:
    """Python's codec for a character set by its name; Latin-1 for an unknown one."""
    return CODECS.get(character_set) or CODE_PAGES.get(character_set, "latin-1")


def actual_character_set(declared: str, values: Iterable[bytes], assumed: str = "") -> str:
    """The character set that `values` are in, which many devices leave out or declare wrongly; how it is chosen is said
    above. `assumed` is the one of the settings, or "".
    """
    name = declared.strip(" \0").replace("ISO 2022 IR", "ISO_IR")
    beyond_ascii = [value for value in values if not value.isascii()]
    if not beyond_ascii:
        return name
    is_utf_8 = [_is_utf_8(value, assumed in WIDE) for value in beyond_ascii]
    if name in OFTEN_WRONG:
        return UTF_8 if all(is_utf_8) else _assumed(assumed, beyond_ascii) or name
    if name == UTF_8 and not any(is_utf_8):
        return _assumed(assumed, beyond_ascii) or LATIN_1
    return name


def _assumed(assumed: str, values: Iterable[bytes]) -> str:
    """`assumed` if all these bytes can be that, else ""."""
    return assumed if assumed and all(_decodes(value, python_codec(assumed)) for value in values) else ""


def _is_utf_8(value: bytes, may_be_wide: bool) -> bool:
    return (
        _decodes(value, "utf-8") and b"\x1b" not in value and (not may_be_wide or any(byte >= 0xE0 for byte in value))
    )


def _decodes(value: bytes, codec: str) -> bool:
    try:
        value.decode(codec)
    except UnicodeDecodeError:
        return False
    return True
