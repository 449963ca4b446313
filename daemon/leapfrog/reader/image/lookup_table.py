"""Look-up tables as DICOM stores them: modality, VOI and palette (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import lenient_parsing, numbers, value_of

MOST_ENTRIES = 1 << 16
UNLIKELY_FILL = 8  # a table that uses less than an eighth of its declared range has declared the wrong range


@dataclass(frozen=True)
class LookupTable:
    """`entries` for the input values from `first` on; values outside get the nearest entry. `top` is white."""

    first: int
    entries: NDArray[np.float64]
    top: float

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The entries for `values`, of the same shape."""
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1).astype(np.intp)
        entries: NDArray[np.float64] = self.entries[index]
        return entries


def read_table(item: Dataset, *, signed_input: bool, big_endian: bool, prefix: str = "LUT") -> LookupTable | None:
    """The table in `item`, from the keywords that begin with `prefix`; None if it makes no sense."""
    descriptor = numbers(item, f"{prefix}Descriptor")
    data = value_of(item, f"{prefix}Data")
    if len(descriptor) != 3 or data is None:
        return None
    count, first, bits = (int(number) for number in descriptor)
    entries = _entries(data, count % MOST_ENTRIES or MOST_ENTRIES, big_endian)
    if entries is None or not 1 <= bits <= 16:
        return None
    if signed_input and first >= 1 << 15:
        first -= 1 << 16
    return LookupTable(first, entries.astype(np.float64), _top(entries, bits))


def _entries(data: Any, count: int, big_endian: bool) -> NDArray[np.unsignedinteger[Any]] | None:
    """The entries as integers, stored in 16 bits each or, if there are too few bytes for that, in one byte each."""
    if not isinstance(data, bytes):
        values = np.atleast_1d(np.asarray(data))
        return values.astype(np.uint16) if values.dtype.kind in "iu" and len(values) >= count else None
    if len(data) >= 2 * count:
        return np.frombuffer(data, ">u2" if big_endian else "<u2", count)
    if len(data) < count:
        return None
    packed = np.frombuffer(data, np.uint8)
    if big_endian and len(data) % 2 == 0:
        packed = packed.view(np.uint16).byteswap().view(np.uint8)
    return packed[:count]


def _top(entries: NDArray[np.unsignedinteger[Any]], bits: int) -> float:
    largest, declared = int(entries.max()), (1 << bits) - 1
    if largest > declared or largest * UNLIKELY_FILL <= declared:
        return float((1 << max(largest.bit_length(), 1)) - 1)
    return float(declared)


def palette_colours(
    dataset: Dataset, values: NDArray[np.int64], *, signed: bool, big_endian: bool
) -> NDArray[np.uint8]:
    """The colours (n, 3) of the stored `values` (n,). Raises ValueError if the palette makes no sense."""
    if "SegmentedRedPaletteColorLookupTableData" in dataset and "RedPaletteColorLookupTableData" not in dataset:
        return _segmented_colours(dataset, values)
    channels = []
    for name in ("Red", "Green", "Blue"):
        prefix = f"{name}PaletteColorLookupTable"
        table = read_table(dataset, signed_input=signed, big_endian=big_endian, prefix=prefix)
        if table is None:
            raise ValueError("The palette is incomplete.")
        channels.append(table)
    # Entries of 16 bits have the colour in their upper byte; the lower byte is zero or a copy of it.
    shift = 8 if max(table.entries.max() for table in channels) > 255 else 0
    colours = [table.apply(values.astype(np.float64)).astype(np.uint16) >> shift for table in channels]
    return np.stack(colours, axis=-1).astype(np.uint8)


def _segmented_colours(dataset: Dataset, values: NDArray[np.int64]) -> NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_color_lut

    with lenient_parsing():
        colours = apply_color_lut(values[np.newaxis, :], dataset)[0, :, :3]
    return (colours >> 8).astype(np.uint8) if colours.dtype.itemsize == 2 else colours.astype(np.uint8)
