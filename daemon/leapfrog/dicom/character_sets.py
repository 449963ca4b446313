"""Specific Character Set (PS3.3 Section C.12.1.1.2) as Python's codecs."""

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


def codec_of(character_set: bytes) -> str:
    """Python's codec for `character_set`. An unknown one, or one that switches (ISO 2022), is decoded byte by byte as
    Latin-1, so that nothing is lost.
    """
    return CODECS.get(character_set.decode("ascii", "replace").strip(" \0").replace("ISO 2022 IR", "ISO_IR"), "latin-1")
