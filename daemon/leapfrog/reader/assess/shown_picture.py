"""Which part of a picture a model is shown, and where in the whole picture lies what it answers.

Training and the kiosk both call `shown_to_model`, or `shown_to_segmenter`, so that a model sees the same pixels in a
clinic as in training.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.exam import Region
from leapfrog.packages.manifest import ModelInput
from leapfrog.reader.assess.outlines.segmentation import PictureArea, cut, model_area
from leapfrog.reader.image.fields.exposed_field import exposed_field
from leapfrog.reader.image.fields.scan_field import ScanField, find_scan
from leapfrog.reader.image.pixels import PixelRegion, model_input

MAP_SIDE = 112  # cells of a map over the whole picture: as fine as it is drawn


def shown_to_model(
    taken: ModelInput, gray: NDArray[np.uint8], area: PixelRegion | None = None, *, field: PixelRegion | None = None
) -> NDArray[np.uint8]:
    """What a classifier that takes `taken` is shown of the displayed picture `gray` (H, W), air dark: its field,
    resized to (taken.height, taken.width).

    `area` is the part that shows the body, the whole picture if None. Whoever has the `field_seen` of it already gives
    it as `field`.
    """
    left, top, right, bottom = field or field_seen(taken, gray, area)
    return model_input(gray[top:bottom, left:right], taken.height, taken.width)


def field_seen(taken: ModelInput, gray: NDArray[np.uint8], area: PixelRegion | None = None) -> PixelRegion:
    """The part of `gray` (H, W) that such a classifier sees, in pixels: the exposed field in `area`, or all."""
    rows, columns = gray.shape
    if taken.field == "whole":  # of several parts, too
        return 0, 0, columns, rows
    left, top, right, bottom = area or (0, 0, columns, rows)
    found = exposed_field(np.ascontiguousarray(gray[top:bottom, left:right]))
    return left + found[0], top + found[1], left + found[2], top + found[3]


def scan_seen(gray: NDArray[np.uint8], area: PixelRegion | None = None) -> ScanField:
    """The scanned field of `gray` (H, W) within `area`; all of `area` if none is found there. The area that an image
    states is not taken as it is, since machines count their orientation mark, rulers and bars to it.
    """
    rows, columns = gray.shape
    left, top, right, bottom = area or (0, 0, columns, rows)
    return find_scan(np.ascontiguousarray(gray[top:bottom, left:right])).at(left, top, gray.shape)


def shown_to_segmenter(
    taken: ModelInput, gray: NDArray[np.uint8], area: PixelRegion | None = None
) -> tuple[PictureArea, NDArray[np.uint8]]:
    """What a segmenter that takes `taken` is shown of the displayed picture `gray` (H, W), before it is resized, and
    where in the picture that lies. `area` is the part that shows the body, the whole picture if None; black is added
    where its aspect differs much from the model's.
    """
    if taken.field == "scan":
        scan = scan_seen(gray, area)
        around = model_area(scan.box, gray.shape, taken.width / taken.height)
        return replace(around, outline=scan.outline), cut(scan.alone(gray), around, scan.box)
    box = area or (0, 0, gray.shape[1], gray.shape[0])
    around = model_area(box, gray.shape, taken.width / taken.height)
    return around, cut(gray, around, box)


def region_in_whole(region: Region, field: PixelRegion, shape: tuple[int, ...]) -> Region:
    """A region in fractions of `field`, as fractions of the whole picture of `shape` (rows, columns)."""
    rows, columns = shape
    left, top, right, bottom = field
    across, down = right - left, bottom - top
    return Region(
        left=(left + region.left * across) / columns,
        top=(top + region.top * down) / rows,
        right=(left + region.right * across) / columns,
        bottom=(top + region.bottom * down) / rows,
    )


def map_over_whole(heat: NDArray[np.float32], field: PixelRegion, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A map (rows, columns) of 0 to 1 over `field`, as one over the whole picture of `shape`: 0 beside the field."""
    rows, columns = shape
    if field == (0, 0, columns, rows):
        return heat
    left, right = _cells(field[0], field[2], columns)
    top, bottom = _cells(field[1], field[3], rows)
    whole = np.zeros((MAP_SIDE, MAP_SIDE), np.float32)
    fitted = Image.fromarray(heat).resize((right - left, bottom - top), Image.Resampling.BICUBIC)
    whole[top:bottom, left:right] = np.asarray(fitted).clip(0, 1)
    return whole


def _cells(begin: int, end: int, pixels: int) -> tuple[int, int]:
    first = min(round(begin * MAP_SIDE / pixels), MAP_SIDE - 1)
    return first, max(first + 1, round(end * MAP_SIDE / pixels))
