"""Reference pictures, and whether a picture still looks like one: its letters and layout, not how edges are smoothed.

`tests/run -k looks_as_its_picture --renew-pictures` draws them anew. Look at each before it is committed.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

INK = 60  # how much darker than paper, of 255
NAME_HEIGHT = 40  # pixels, of the reference of a name from its highest mark to its lowest
MOST_STRETCHED = 1.08  # a name may be so much wider or narrower
STROKE_BLUR = 1.6  # pixels of a name's reference: about the width of a stroke
MOST_INK = 0.33  # that one name has in a place where the other has none

SCREENS = {"phone": 390, "tablet": 800, "desk": 1600}  # widths of a page
PAGE_SCALE = 0.25  # of a picture with two pixels for each of the page's
CELL = 6  # pixels of the reference: about a letter of the page
CELL_DIFFERS = 20.0  # of 255, on average
MOST_CELLS = 0.01  # of all, that may differ
MOST_IN_ONE = 42.0  # that any single cell may differ: a sign that is missing
WEBP_QUALITY = 70


@dataclass(frozen=True)
class References:
    """The reference pictures of the tests; `renew` has them written instead of compared."""

    renew: bool

    def name_differs(self, file: Path, picture: Image.Image) -> str:
        """Why `picture` shows another name than `file`, or not all of it; "" if it shows the same."""
        ink = _ink(picture)
        if self.renew:
            width = max(1, round(ink.width * NAME_HEIGHT / ink.height))
            file.parent.mkdir(exist_ok=True)
            ink.resize((width, NAME_HEIGHT), Image.Resampling.LANCZOS).quantize(16).save(file, optimize=True)
        with Image.open(file) as reference:
            return ink_differs(ink, reference.convert("L"))

    def page_differs(self, file: Path, picture: Image.Image) -> str:
        """Why `picture` has another layout than `file`; "" if it looks the same. Both show a page of the same width."""
        size = (round(picture.width * PAGE_SCALE), round(picture.height * PAGE_SCALE))
        small = picture.convert("RGB").resize(size, Image.Resampling.BOX)
        if self.renew:
            file.parent.mkdir(exist_ok=True)
            small.save(file, quality=WEBP_QUALITY, method=6)
        with Image.open(file) as reference:
            return _layout_differs(small, reference.convert("RGB"))


def ink_differs(picture: Image.Image, reference: Image.Image) -> str:
    """Compares names that were cut to their ink."""
    stretched = (picture.width / picture.height) / (reference.width / reference.height)
    if not 1 / MOST_STRETCHED < stretched < MOST_STRETCHED:
        return f"it is {stretched:.2f} times as wide for its height"
    one, other = (_blurred(each.resize(reference.size, Image.Resampling.LANCZOS)) for each in (picture, reference))
    most = float(np.abs(one - other).max())
    return f"strokes differ by {most:.2f}" if most > MOST_INK else ""


def _layout_differs(picture: Image.Image, reference: Image.Image) -> str:
    if abs(picture.height - reference.height) > 0.01 * reference.height or picture.width != reference.width:
        return f"it is {picture.size} instead of {reference.size}"
    one, other = (_cells(each.crop((0, 0, *np.minimum(picture.size, reference.size)))) for each in (picture, reference))
    difference = np.abs(one - other).max(axis=-1)
    differing = difference > CELL_DIFFERS
    if (share := float(differing.mean())) <= MOST_CELLS and difference.max() <= MOST_IN_ONE:
        return ""
    row, column = np.argwhere(differing)[0] * CELL / PAGE_SCALE / 2
    return f"{share:.1%} of it differ, one place by {difference.max():.0f}, the first at {column:.0f}, {row:.0f}"


def _ink(picture: Image.Image) -> Image.Image:
    """The picture cut to what is darker than its paper, in gray."""
    gray = picture.convert("L")
    dark = np.asarray(gray) < 255 - INK
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    assert rows.size, "there is nothing to see"
    return gray.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def _blurred(picture: Image.Image) -> NDArray[np.float64]:
    """How much ink there is around each place, from 0 to 1."""
    framed = Image.new("L", (picture.width + 8, picture.height + 8), 255)
    framed.paste(picture, (4, 4))
    return 1 - np.asarray(framed.filter(ImageFilter.GaussianBlur(STROKE_BLUR)), np.float64) / 255


def _cells(picture: Image.Image) -> NDArray[np.float64]:
    """The mean colour of each cell; (rows, columns, 3)."""
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(CELL / 2)), np.float64)
    rows, columns = pixels.shape[0] // CELL, pixels.shape[1] // CELL
    cut = pixels[: rows * CELL, : columns * CELL]
    mean: NDArray[np.float64] = cut.reshape(rows, CELL, columns, CELL, 3).mean(axis=(1, 3))
    return mean
