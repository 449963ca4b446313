"""The pages of a PDF as pictures: whoever opens an answer never opens a stranger's PDF.

typst lays the pages out as it does any picture. Its interpreter of PDF is written in a language that is safe for
memory, and knows neither scripts, forms, attachments nor links.
"""

import json
import re
from io import BytesIO
from typing import Any

import typst
from PIL import Image, ImageOps

from leapfrog.answers.document import MOST_PAGES
from leapfrog.page_fonts.page_fonts import FONTS

WIDTH_POINTS, HEIGHT_POINTS = 595, 842  # A4; a page of another shape is fitted into it
PIXELS_PER_INCH = 130  # 10-point letters are legible
JPEG_QUALITY = 80
MARGIN = 40  # pixels below the last line: what is empty under it is left out
# The files that typst takes from memory are text, so the PDF comes as numbers.
DOCUMENT = '#set page(width: {width}pt, height: {height}pt, margin: 0pt)\n#let pdf = bytes(json("pdf.json"))\n'
PAGE = '#image(pdf, page: {number}, width: {width}pt, height: {height}pt, fit: "contain")\n'
ONLY_SO_MANY = re.compile(r"only has (\d+) page")  # typst's hint

_fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


def draw_pages(pdf: bytes) -> tuple[list[bytes], bool]:
    """Its first pages as JPEG files, and whether there are more, or none that can be drawn."""
    numbers = json.dumps(list(pdf), separators=(",", ":")).encode()
    try:
        total = _count(numbers)
        drawn = _draw(numbers, range(1, min(total, MOST_PAGES) + 1)) if total else []
    except RuntimeError:  # it is malformed, encrypted, or uses what typst does not know
        return [], True
    return [_as_jpeg(page) for page in drawn], not 0 < total <= MOST_PAGES


def _count(numbers: bytes) -> int:
    """How many pages it has, MOST_PAGES + 1 where there are more. Raises RuntimeError where typst cannot read it."""
    try:
        _draw(numbers, [MOST_PAGES + 1])
    except typst.TypstError as problem:
        for hint in problem.hints:
            if found := ONLY_SO_MANY.search(hint):
                return int(found[1])
        raise
    return MOST_PAGES + 1


def _draw(numbers: bytes, pages: Any) -> list[bytes]:
    """These pages as PNG files. Raises RuntimeError."""
    size = {"width": WIDTH_POINTS, "height": HEIGHT_POINTS}
    source = DOCUMENT.format(**size) + "#pagebreak()\n".join(PAGE.format(number=page, **size) for page in pages)
    files: Any = {"main.typ": source.encode(), "pdf.json": numbers}  # typst's own types know one file only
    drawn = typst.compile(files, font_paths=_fonts, format="png", ppi=PIXELS_PER_INCH)
    return [drawn] if isinstance(drawn, bytes) else [page for page in drawn or () if page is not None]


def _as_jpeg(png: bytes) -> bytes:
    jpeg = BytesIO()
    with Image.open(BytesIO(png), formats=("PNG",)) as picture:
        page = picture.convert("RGB")
        written = ImageOps.invert(page.convert("L")).getbbox()
        bottom = min(page.height, written[3] + MARGIN) if written else page.height
        page.crop((0, 0, page.width, bottom)).save(jpeg, "JPEG", quality=JPEG_QUALITY)
    return jpeg.getvalue()
