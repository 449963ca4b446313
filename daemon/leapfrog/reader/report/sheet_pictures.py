"""The pictures of a sheet: gray, since most paper is, and with as many pixels as it shows of them.

Each is an SVG that holds a JPEG, which goes into the PDF as it is. Of a JPEG by itself, typst keeps the pixels until
the document is complete: a study of 300 images would need more memory than a reader may have.
"""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import segno
from PIL import Image

Detail = Literal["paper", "line", "least", "grain"]
Place = Literal["finding", "beside", "small"]

BLANK = 255  # white, in the place of a picture whose file is damaged


@dataclass(frozen=True)
class _Quality:
    """How large the longer side of a picture is at most, in pixels, and the quality of its JPEG."""

    longest: int
    jpeg: int


# "paper": 300 dpi where the picture has them. "line": what crosses a thin line to the district; "least": the same for
# what would be too much all the same; "grain": for a film full of grain, of which nothing more can be seen.
QUALITIES: dict[Detail, dict[Place, _Quality]] = {
    "paper": {"finding": _Quality(1100, 85), "beside": _Quality(900, 85), "small": _Quality(720, 80)},
    "line": {"finding": _Quality(880, 64), "beside": _Quality(560, 60), "small": _Quality(360, 52)},
    "least": {"finding": _Quality(620, 45), "beside": _Quality(420, 42), "small": _Quality(240, 40)},
    "grain": {"finding": _Quality(420, 28), "beside": _Quality(280, 28), "small": _Quality(160, 28)},
}
MODULE_MM = 0.5  # of a code: four dots of a receipt printer (203 dpi), six of one with 300


@dataclass(frozen=True)
class DrawnCode:
    """A code as an SVG, and how wide it is on paper without the quiet zone around it."""

    svg: bytes
    width_mm: float


def picture_svg(path: Path, place: Place, detail: Detail) -> bytes:
    """The picture at `path` as it stands in that place of a sheet. One whose file is damaged is blank; raises OSError
    when there is no file.
    """
    quality = QUALITIES[detail][place]
    with path.open("rb") as file:
        gray = _gray(BytesIO(file.read()), quality.longest)
    jpeg = BytesIO()
    gray.save(jpeg, "JPEG", quality=quality.jpeg, optimize=True)
    size = f'width="{gray.width}" height="{gray.height}"'
    content = b64encode(jpeg.getvalue()).decode("ascii")
    link = f'<image href="data:image/jpeg;base64,{content}" {size}/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{link}</svg>'.encode()


def draw_code(text: str) -> DrawnCode:
    """`text` as a QR code (ISO/IEC 18004) that can be read while 15 % of it are damaged."""
    code = segno.make(text, error="m", boost_error=False, micro=False)
    svg = BytesIO()
    code.save(svg, kind="svg", border=0, xmldecl=False)
    modules = code.symbol_size(border=0)[0]
    return DrawnCode(svg.getvalue(), modules * MODULE_MM)


def _gray(content: BytesIO, longest: int) -> Image.Image:
    try:
        with Image.open(content, formats=["JPEG"]) as source:
            size = source.size
            source.draft("L", (longest, longest))
            try:
                picture = source.convert("L")
            except (OSError, SyntaxError):
                picture = Image.new("L", size, BLANK)
    except (OSError, SyntaxError):
        picture = Image.new("L", (4, 3), BLANK)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture
