"""A picture with text below it, for viewers that show only pixels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import typst
from PIL import Image

from leapfrog.language.languages import ENGLISH, Language
from leapfrog.reader.objects.budget import jpeg_within
from leapfrog.reader.objects.secondary_capture import Jpeg
from leapfrog.reader.report.characters import FONTS, undrawable
from leapfrog.reader.report.overlay import LONGEST_DRAWN_SIDE
from leapfrog.wording.text import UNSHOWABLE

TEMPLATES = Path(__file__).with_name("templates")
MOST_BYTES = 150_000  # 19 s at 64 kbit/s; below, the text under a whole film is blurred
PIXELS_PER_INCH = 72.0  # so that a point of typst is a pixel

# typst, as for the sheet: Pillow takes one font for a text, and beyond Latin no font has all letters of a line.
_fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


@dataclass(frozen=True)
class Line:
    """A line of text, in a language."""

    text: str
    language: Language = ENGLISH


def captioned_jpeg(path: Path, lines: Sequence[Line]) -> Jpeg:
    """The picture at `path` with `lines` of text on a band below it, wrapped to its width. Its longer side has at most
    `LONGEST_DRAWN_SIDE` pixels, since it crosses a thin line.
    """
    with Image.open(path) as source:
        source.thumbnail((LONGEST_DRAWN_SIDE, LONGEST_DRAWN_SIDE), Image.Resampling.BILINEAR)
        picture = source.convert("RGB")
    band = _band(lines, picture.width)
    image = Image.new("RGB", (picture.width, picture.height + band.height))
    image.paste(picture)
    image.paste(band, (0, picture.height))
    return Jpeg(jpeg_within(image, MOST_BYTES), *image.size)


def _band(lines: Sequence[Line], width: int) -> Image.Image:
    """The lines on black, `width` pixels wide. They reach typst as data, never as source text."""
    values = {
        "lines": [
            {"text": line.text, "language": line.language.code, "direction": line.language.direction} for line in lines
        ],
        "width": width,
        "margin": max(6, width // 80),
        "letters": max(14, width // 42),
    }
    files: Any = {  # typst's own types know one file only
        "main.typ": (TEMPLATES / "caption.typ").read_bytes(),
        "fonts.typ": (TEMPLATES / "fonts.typ").read_bytes(),
    }
    drawn = typst.compile(
        files,
        font_paths=_fonts,
        format="png",
        ppi=PIXELS_PER_INCH,
        sys_inputs={"band": undrawable().sub(UNSHOWABLE, json.dumps(values, ensure_ascii=False))},
    )
    assert isinstance(drawn, bytes), "one page, however many lines"
    with Image.open(BytesIO(drawn)) as band:
        return band.convert("RGB").crop((0, 0, width, band.height))
