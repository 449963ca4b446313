"""Specific Character Set (PS3.3 Section C.12.1.1.2) as Python's codecs, and which one text is really in."""

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


UTF_8 = "ISO_IR 192"
LATIN_1 = "ISO_IR 100"
# Character sets whose text is UTF-8 all the same if its bytes are. Two letters of another set can look like one of
# UTF-8, in Cyrillic and Greek even in words; in Latin-1, they would be a capital with an accent and a symbol.
OFTEN_UTF_8 = frozenset(("", "ISO_IR 6", LATIN_1))


def codec_of(character_set: bytes, values: Iterable[bytes] = ()) -> str:
    """Python's codec for text in `character_set`, or the one in which `values` really are (see `actual_character_set`).

    An unknown one, or one that switches (ISO 2022), is decoded byte by byte as Latin-1, so that nothing is lost.
    """
    return CODECS.get(actual_character_set(character_set.decode("ascii", "replace"), values), "latin-1")


def actual_character_set(declared: str, values: Iterable[bytes]) -> str:
    """The character set that `values` are in, which many devices leave out or declare wrongly: bytes that are valid
    UTF-8 and not ASCII are UTF-8, and those that cannot be UTF-8 are not.
    """
    name = declared.strip(" \0").replace("ISO 2022 IR", "ISO_IR")
    beyond_ascii = [value for value in values if not value.isascii()]
    if not beyond_ascii:
        return name
    if name in OFTEN_UTF_8 and all(map(_is_utf_8, beyond_ascii)):
        return UTF_8
    if name == UTF_8 and not any(map(_is_utf_8, beyond_ascii)):
        return LATIN_1
    return name


def _is_utf_8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\x1b" not in value
