"""Small pictures of what the box got wrong, and masks beside outlines."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, UnidentifiedImageError

from leapfrog.errors import UsageError
from leapfrog.evaluation.masks import Overlap, overlap
from leapfrog.exam import Finding, ImageReading

LONGEST_SIDE = 480  # pixels of a small picture
QUALITY = 80


def save_small(picture: Path, target: Path) -> None:
    """Write the reader's JPEG `picture` to `target`, small. Raises OSError."""
    with Image.open(picture) as opened:
        opened.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
        opened.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        opened.save(target, format="jpeg", quality=QUALITY)
    target.chmod(0o600)


def mask_overlap(mask_file: Path, reading: ImageReading, finding: str) -> Overlap:
    """The outline of `finding` beside the mask in `mask_file`, in which all that is not black belongs to it. Without an
    outline nothing is in it.

    Raises UsageError if the mask cannot be opened, or is not of the image's size.
    """
    try:
        with Image.open(mask_file) as opened:
            truth = np.asarray(opened.convert("L")) > 0
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as problem:
        raise UsageError(f"The mask {mask_file} cannot be opened: save it as a PNG in gray.") from problem
    rows, columns = truth.shape
    header = reading.header
    if (rows, columns) != (header.rows, header.columns):
        raise UsageError(
            f"The mask {mask_file} has {columns} x {rows} pixels, and its image {header.columns} x {header.rows}. They"
            " must be of one size."
        )
    outlined = next((one for one in reading.findings if one.name == finding), None)
    return overlap(_filled(outlined, rows, columns), truth)


def _filled(finding: Finding | None, rows: int, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """The pixels (rows, columns) inside the finding's outlines."""
    canvas = Image.new("1", (columns, rows))
    for polygon in (finding and finding.contour) or ():
        ImageDraw.Draw(canvas).polygon([(x * columns, y * rows) for x, y in polygon], fill=1)
    return np.asarray(canvas, dtype=np.bool_)
