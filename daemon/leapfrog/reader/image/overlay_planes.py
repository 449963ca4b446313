"""Overlay planes (PS3.3 C.9.2): graphics that come with a picture, such as the side marker, one bit a pixel.

They are drawn on what people look at, not on what a model sees: no model was trained with them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from leapfrog.language.sentence import Sentence, sentence
from leapfrog.reader.image.attributes import lenient_parsing, numbers
from leapfrog.reader.image.frames.decoding import Layout, StoredFrame

GROUPS = range(0x6000, 0x6020, 2)
ROWS, COLUMNS, FRAMES, ORIGIN, FIRST_FRAME = 0x0010, 0x0011, 0x0015, 0x0050, 0x0051
BITS_ALLOCATED, BIT_POSITION, DATA = 0x0100, 0x0102, 0x3000
LARGEST_SIDE = 1 << 15
# Of the picture. Letters, marks and lines cover 1 or 2 %; what covers more is a mask or a shutter, and would hide what
# people must see.
MOST_COVERED = 0.05

NOT_DRAWN = sentence(
    "A drawing that came with the picture (an overlay) would cover too much of it, so it is not shown here. The file is"
    " passed on with it."
)

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Graphics:
    """What overlays draw on one frame: `drawn` (rows, columns), None if nothing; `note` is a sentence for staff."""

    drawn: Bits | None = None
    note: Sentence = Sentence("")


@dataclass(frozen=True)
class OverlayPlane:
    """One overlay. Its upper left pixel lies on pixel (`left`, `top`) of the picture, which may be outside. It has
    `frames`, the first of which belongs to frame `first_frame` of the picture; a single one belongs to all frames.

    `data` has a bit for each pixel. If it is None, the bits are those at `position` of the picture's own samples, which
    the standard had until 2004.
    """

    rows: int
    columns: int
    top: int
    left: int
    frames: int
    first_frame: int
    data: NDArray[np.uint8] | None
    position: int

    def bits(self, index: int, frame: StoredFrame) -> Bits | None:
        """The plane (rows, columns) for frame `index` of the picture, or None if it has none for it."""
        if self.data is None:
            return self._embedded(frame)
        number = 0 if self.frames == 1 else index - self.first_frame
        if not 0 <= number < self.frames:
            return None
        start = number * self.rows * self.columns  # frames follow one another without padding (PS3.5 8.1.2)
        end = start + self.rows * self.columns
        content = self.data[start // 8 : math.ceil(end / 8)]
        bits = np.unpackbits(content, bitorder="little")[start % 8 :][: end - start]
        if len(bits) < end - start:
            return None
        return bits.reshape(self.rows, self.columns).astype(np.bool_)

    def _embedded(self, frame: StoredFrame) -> Bits | None:
        if frame.bits is None or frame.samples.ndim != 2:
            return None
        is_stored = frame.bits.shift <= self.position < frame.bits.shift + frame.bits.count
        if is_stored or self.position >= 8 * frame.samples.itemsize:
            return None
        embedded: Bits = (frame.samples >> self.position & 1).astype(np.bool_)
        return embedded


def read_overlay_planes(dataset: Dataset, *, big_endian: bool) -> tuple[OverlayPlane, ...]:
    """The overlays of an instance that make sense."""
    planes = (_read_plane(dataset, group, big_endian) for group in GROUPS if (group, ROWS) in dataset)
    return tuple(plane for plane in planes if plane is not None)


def graphics_of(planes: tuple[OverlayPlane, ...], index: int, frame: StoredFrame, layout: Layout) -> Graphics:
    """What `planes` draw on frame `index` of the picture."""
    if not planes:
        return Graphics()
    drawn = np.zeros((layout.rows, layout.columns), np.bool_)
    note = Sentence("")
    for plane in planes:
        placed = np.zeros_like(drawn)
        bits = plane.bits(index, frame)
        if bits is None:
            continue
        _place(bits, placed, plane.top, plane.left)
        if placed.mean() > MOST_COVERED:
            note = NOT_DRAWN
        else:
            drawn |= placed
    return Graphics(drawn if drawn.any() else None, note)


def _place(bits: Bits, picture: Bits, top: int, left: int) -> None:
    """Copy the part of `bits` that lies on `picture`."""
    rows = slice(max(top, 0), min(top + bits.shape[0], picture.shape[0]))
    columns = slice(max(left, 0), min(left + bits.shape[1], picture.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        picture[rows, columns] = bits[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def _read_plane(dataset: Dataset, group: int, big_endian: bool) -> OverlayPlane | None:
    rows, columns = _number(dataset, group, ROWS, 0), _number(dataset, group, COLUMNS, 0)
    if not (0 < rows <= LARGEST_SIDE and 0 < columns <= LARGEST_SIDE):
        return None
    origin = _numbers(dataset, group, ORIGIN)
    top, left = (int(origin[0]), int(origin[1])) if len(origin) == 2 else (1, 1)
    data = _data(dataset, group, big_endian)
    position = _number(dataset, group, BIT_POSITION, 0)
    if data is None and _number(dataset, group, BITS_ALLOCATED, 1) == 1:
        return None  # it says that its bits are in data of its own, which it lacks
    return OverlayPlane(
        rows=rows,
        columns=columns,
        top=top - 1,
        left=left - 1,
        frames=max(_number(dataset, group, FRAMES, 1), 1),
        first_frame=_number(dataset, group, FIRST_FRAME, 1) - 1,
        data=data,
        position=position,
    )


def _data(dataset: Dataset, group: int, big_endian: bool) -> NDArray[np.uint8] | None:
    try:
        with lenient_parsing():
            element = dataset[group, DATA]
            content = bytes(element.value)
    except Exception:  # missing, or malformed in any way
        return None
    data = np.frombuffer(content, np.uint8)
    if big_endian and element.VR == "OW":  # bytes swapped in pairs, as in pixels
        data = data[: len(data) & ~1].view(np.uint16).byteswap().view(np.uint8)
    return data if len(data) else None


def _number(dataset: Dataset, group: int, element: int, default: int) -> int:
    values = _numbers(dataset, group, element)
    return int(values[0]) if values else default


def _numbers(dataset: Dataset, group: int, element: int) -> tuple[float, ...]:
    return numbers(dataset, group << 16 | element)
