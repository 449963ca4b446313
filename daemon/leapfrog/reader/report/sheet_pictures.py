"""The pictures of a sheet: gray, since most paper is, and with as many pixels as it shows of them.

Each is an SVG that holds a JPEG, which goes into the PDF as it is. Of a JPEG by itself, typst keeps the pixels until
the document is complete: a study of 300 images would need more memory than a reader may have.

A picture that is shown large and is gray already goes as it lies there, with more pixels than paper shows: to shrink it
takes longer than all else that is done for a sheet.
"""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image

Detail = Literal["paper", "line", "least", "grain"]
Place = Literal["finding", "beside", "small"]

BLANK = 255  # white, in the place of a picture whose file is damaged


@dataclass(frozen=True)
class _Quality:
    """How large the longer side of a picture is at most, in pixels, and the quality of its JPEG. `as_it_is`: one that
    is gray may be as large as it is.
    """

    longest: int
    jpeg: int
    as_it_is: bool = False


# "paper": 300 dpi where the picture has them. "line": what crosses a thin line to the district; "least": the same for
# what would be too much all the same; "grain": for a film full of grain, of which nothing more can be seen.
QUALITIES: dict[Detail, dict[Place, _Quality]] = {
    "paper": {
        "finding": _Quality(1100, 85, as_it_is=True),
        "beside": _Quality(900, 85, as_it_is=True),
        "small": _Quality(720, 80),
    },
    "line": {"finding": _Quality(880, 64), "beside": _Quality(560, 60), "small": _Quality(360, 52)},
    "least": {"finding": _Quality(620, 45), "beside": _Quality(420, 42), "small": _Quality(240, 40)},
    "grain": {"finding": _Quality(420, 28), "beside": _Quality(280, 28), "small": _Quality(160, 28)},
}
QR: Any = zxingcpp.BarcodeFormat.QRCode
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
    content = path.read_bytes()
    size = _size_of_gray(content) if quality.as_it_is else None
    if size is None:
        content, size = _shrunk(content, quality)
    extent = f'width="{size[0]}" height="{size[1]}"'
    link = f'<image href="data:image/jpeg;base64,{b64encode(content).decode("ascii")}" {extent}/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {extent}>{link}</svg>'.encode()


def draw_code(text: str) -> DrawnCode:
    """`text` as a QR code (ISO/IEC 18004) that can be read while 15 % of it are damaged."""
    code = zxingcpp.create_barcode(text, QR, ec_level="M")
    dark = np.asarray(code.to_image(scale=1, add_quiet_zones=False)) == 0
    modules = len(dark)
    size = f'width="{modules}" height="{modules}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><path d="{_outline(dark)}"/></svg>'
    return DrawnCode(svg.encode(), modules * MODULE_MM)


def _outline(dark: NDArray[np.bool_]) -> str:
    """One path around all modules that are `dark`, run by run: within one path, no viewer leaves a gap between them."""
    rows = np.pad(dark, ((0, 0), (1, 1))).astype(np.int8)
    edges = np.argwhere(np.diff(rows, axis=1)).tolist()  # the start and the end of each run
    runs = zip(edges[::2], edges[1::2], strict=True)
    return "".join(f"M{start} {row}h{end - start}v1h{start - end}z" for (row, start), (_, end) in runs)


def _size_of_gray(jpeg: bytes) -> tuple[int, int] | None:
    """How large the picture is that a JPEG holds; None if it has colours or is damaged."""
    try:
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
            if picture.mode != "L":
                return None
            size = picture.size
            picture.draft("L", (1, 1))  # an eighth of it: every bit is looked at all the same
            picture.load()
            return size
    except (OSError, SyntaxError):
        return None


def _shrunk(content: bytes, quality: _Quality) -> tuple[bytes, tuple[int, int]]:
    """The picture that a JPEG holds in gray and small enough, as a JPEG; and its size."""
    gray = _gray(BytesIO(content), quality.longest)
    jpeg = BytesIO()
    gray.save(jpeg, "JPEG", quality=quality.jpeg, optimize=True)
    return jpeg.getvalue(), gray.size


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
