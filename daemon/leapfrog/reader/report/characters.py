"""The fonts of the PDF, and the characters that they can draw.

typst draws an empty box for a character that no font has; staff are to see the same sign for it as everywhere else.
"""

import re
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FONTS = Path(__file__).with_name("fonts")


@cache
def undrawable() -> re.Pattern[str]:
    """Matches a run of characters that no font can draw."""
    drawn = sorted({span for path in FONTS.glob("*.ttf") for span in covered(path.read_bytes())})
    ranges = "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in drawn)
    return re.compile(f"[^{ranges}]+")


def covered(font: bytes) -> Iterator[tuple[int, int]]:
    """The first and last code point of each run that an OpenType font has glyphs for, from its table `cmap`.

    Only formats 4 and 12 are read, which every Unicode font has.
    """
    (table_count,) = struct.unpack_from(">H", font, 4)
    tables = dict(struct.iter_unpack(">4s4xL4x", font[12 : 12 + 16 * table_count]))  # tag to offset
    cmap = tables[b"cmap"]
    (subtable_count,) = struct.unpack_from(">H", font, cmap + 2)
    for (offset,) in struct.iter_unpack(">4xL", font[cmap + 4 : cmap + 4 + 8 * subtable_count]):
        start = cmap + offset
        (kind,) = struct.unpack_from(">H", font, start)
        if kind == 4:
            (twice_count,) = struct.unpack_from(">H", font, start + 6)
            count = twice_count // 2
            last = struct.unpack_from(f">{count}H", font, start + 14)
            first = struct.unpack_from(f">{count}H", font, start + 16 + twice_count)
            yield from ((begin, end) for begin, end in zip(first, last, strict=True) if end != 0xFFFF)
        elif kind == 12:
            (count,) = struct.unpack_from(">L", font, start + 12)
            yield from struct.iter_unpack(">LL4x", font[start + 16 : start + 16 + 12 * count])
