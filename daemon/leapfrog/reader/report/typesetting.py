"""Text on the PDF: which font draws it, where its lines break, how wide it is.

A built-in font where it can, one of ours (`fonts/`) for other scripts. fpdf2 drops a glyph that a shaped font lacks
without a word ("score >= 0.50" with U+2265 came out as "score 0.50"), so each character is looked up first and what no
font has becomes a visible "[?]". fpdf2's own line breaking measures each line anew with each letter and made up most
of a page's time; words are measured here instead, once.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont

from leapfrog.wording.text import UNSHOWABLE

FONTS = Path(__file__).with_name("fonts")
BUILT_IN_FAMILY = "helvetica"
BUILT_IN_ENCODING = "cp1252"
LINE_FACTOR = 0.43  # mm of line height per point of type
BASELINE = 0.74  # of the line height, from its top
GENERAL_FONT = "DejaVuSans"  # Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic, Georgian
LEFT_TO_RIGHT_RUN = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z .,:/^-]*[0-9A-Za-z])?")
SCRIPT_BLOCKS: dict[str, tuple[tuple[int, int], ...]] = {
    "NotoSansDevanagari": ((0x0900, 0x097F), (0xA8E0, 0xA8FF)),
    "NotoSansBengali": ((0x0980, 0x09FF),),
    "NotoSansGurmukhi": ((0x0A00, 0x0A7F),),
    "NotoSansGujarati": ((0x0A80, 0x0AFF),),
    "NotoSansOriya": ((0x0B00, 0x0B7F),),
    "NotoSansTamil": ((0x0B80, 0x0BFF),),
    "NotoSansTelugu": ((0x0C00, 0x0C7F),),
    "NotoSansKannada": ((0x0C80, 0x0CFF),),
    "NotoSansMalayalam": ((0x0D00, 0x0D7F),),
    "NotoSansSinhala": ((0x0D80, 0x0DFF),),
    "NotoSansThai": ((0x0E00, 0x0E7F),),
    "NotoSansLao": ((0x0E80, 0x0EFF),),
    "NotoSansMyanmar": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
    "NotoSansEthiopic": ((0x1200, 0x139F), (0x2D80, 0x2DDF), (0xAB00, 0xAB2F)),
    "NotoSansKhmer": ((0x1780, 0x17FF), (0x19E0, 0x19FF)),
}


@dataclass(frozen=True)
class Type:
    """A size in points, and whether bold where there is a bold face (our own fonts have none)."""

    points: float
    bold: bool = False

    @property
    def line_height(self) -> float:
        """In mm."""
        return self.points * LINE_FACTOR


class Typesetter:
    """Measures and draws text on one PDF. Lengths are in mm."""

    def __init__(self, pdf: FPDF) -> None:
        """`pdf` draws from now on in the built-in font's wider encoding."""
        self._pdf = pdf
        self._broken: dict[tuple[str, Type, float], list[str]] = {}
        pdf.core_fonts_encoding = BUILT_IN_ENCODING

    def lines(self, text: str, kind: Type, width: float) -> list[str]:
        """`text` broken into lines that fit `width`, between words, or inside a word that is wider than that."""
        key = (text, kind, width)
        if key not in self._broken:
            self._broken[key] = self._break(text, kind, width) if text else []
        return self._broken[key]

    def height(self, text: str, kind: Type, width: float) -> float:
        """How tall `text` is in a column of `width`."""
        return len(self.lines(text, kind, width)) * kind.line_height

    def write_line(
        self, line: str, kind: Type, left: float, top: float, width: float, *, to_right: bool = False
    ) -> None:
        """Draw one line that fits, at the left or the right of `width`."""
        drawn = self._set_font(line, kind)
        if to_right:
            left += width - self._pdf.get_string_width(drawn)
        baseline = top + kind.line_height * BASELINE
        if self._pdf.text_shaping is None:
            self._pdf.text(left, baseline, drawn)
        else:
            self._pdf.set_xy(left, top)
            self._pdf.cell(width, kind.line_height, drawn)

    def _break(self, text: str, kind: Type, width: float) -> list[str]:
        if self._width(text, kind) <= width:
            return [text]
        lines: list[str] = []
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if self._width(longer, kind) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            *full, line = self._break_word(word, kind, width)
            lines += full
        return [*lines, line]

    def _break_word(self, word: str, kind: Type, width: float) -> list[str]:
        parts = [""]
        for letter in word:
            if parts[-1] and self._width(parts[-1] + letter, kind) > width and not unicodedata.combining(letter):
                parts.append(letter)
            else:
                parts[-1] += letter
        return parts

    def _width(self, text: str, kind: Type) -> float:
        return float(self._pdf.get_string_width(self._set_font(text, kind)))

    def _set_font(self, text: str, kind: Type) -> str:
        """Set the font for `text` and return what to draw: `text`, with a visible sign for what no font can draw."""
        if _is_built_in(text):
            self._pdf.set_text_shaping(False)
            self._pdf.set_font(BUILT_IN_FAMILY, "B" if kind.bold else "", kind.points)
            return text
        families = _families(text)
        for family in families:
            if family.lower() not in self._pdf.fonts:
                self._pdf.add_font(family, fname=FONTS / f"{family}.ttf")
        self._pdf.set_fallback_fonts(families[1:])
        self._pdf.set_text_shaping(True)
        self._pdf.set_font(families[0], "", kind.points)
        return _isolated(self._drawable(text, families))

    def _drawable(self, text: str, families: list[str]) -> str:
        fonts = [self._pdf.fonts[family.lower()] for family in families]
        covered = [font.cmap for font in fonts if isinstance(font, TTFFont)]
        drawn: list[str] = []
        for letter in text:
            if any(ord(letter) in cmap for cmap in covered):
                drawn.append(letter)
            elif drawn[-1:] != [UNSHOWABLE]:
                drawn.append(UNSHOWABLE)
        return "".join(drawn)


def _isolated(text: str) -> str:
    """Keep "12.5 mm" in its order inside a right-to-left text, where it would be drawn as "mm 12.5"."""
    if not any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text):
        return text
    return LEFT_TO_RIGHT_RUN.sub(lambda run: f"\u2066{run[0]}\u2069", text)


def _is_built_in(text: str) -> bool:
    try:
        text.encode(BUILT_IN_ENCODING)
    except UnicodeEncodeError:
        return False
    return True


def _families(text: str) -> list[str]:
    """The fonts that `text` needs. The one of its main script comes first, so that joiners and spaces, which several
    fonts have, stay in one run with the letters that they shape; the general one is always there.
    """
    counts = Counter(family for letter in text if (family := _script_family(ord(letter))))
    return [family for family, _ in counts.most_common()] + [GENERAL_FONT]


def _script_family(code_point: int) -> str | None:
    for family, blocks in SCRIPT_BLOCKS.items():
        if any(first <= code_point <= last for first, last in blocks):
            return family
    return None
