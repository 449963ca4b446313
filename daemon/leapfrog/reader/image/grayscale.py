"""From stored values to displayed grays: modality transformation, then VOI transformation, then inversion.

PS3.4 Annex N.2 gives the order. For samples of up to 16 bits, all steps are computed once for each possible value, and
the picture is looked up in that table: this needs no full-size array of floats (a film of 2500x2048 takes 15 ms instead
of 114 ms). Windowing clips values, so shrinking first would give another result: pictures are always windowed first and
shrunk afterwards, as bytes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import items, numbers, text
from leapfrog.reader.image.decoding import Layout, SampleBits, StoredFrame
from leapfrog.reader.image.lookup_table import read_table

SAMPLED_PIXELS = 250_000  # enough to determine a picture's range of values
OUTLIERS_PERCENT = 0.2  # at each end, such as lead letters, which must not decide how bright the body is shown
BLOCK_PIXELS = 1 << 20  # values of 32 bits and more are windowed in blocks, to need less memory for floats
LARGEST_TABLE_BITS = 16

Values = NDArray[np.float64]


@dataclass(frozen=True)
class VoiWindow:
    """A VOI window (PS3.3 C.11.2.1.2 and C.11.2.1.3): `function` is LINEAR, LINEAR_EXACT or SIGMOID."""

    center: float
    width: float
    function: str

    def brightness(self, values: Values) -> Values:
        """0 (black) to 1 (white) for modality `values`."""
        if self.function == "SIGMOID":
            exponents = np.clip(-4.0 * (values - self.center) / self.width, -700.0, 700.0)
            return 1.0 / (1.0 + np.exp(exponents))
        if self.function == "LINEAR_EXACT":
            return np.clip((values - self.center) / self.width + 0.5, 0.0, 1.0)
        if self.width == 1:
            return (values > self.center - 0.5).astype(np.float64)
        return np.clip((values - (self.center - 0.5)) / (self.width - 1) + 0.5, 0.0, 1.0)

    @property
    def limits(self) -> tuple[float, float]:
        """Values below the first are black, above the second white; only roughly so for a sigmoid."""
        return self.center - self.width / 2, self.center + self.width / 2


class GrayScale:
    """How the gray values of one instance are to be shown. Build it once, then use it for each frame."""

    def __init__(self, dataset: Dataset, layout: Layout, *, big_endian: bool) -> None:
        """Read the settings from the data set; any that makes no sense is ignored."""
        self._layout = layout
        self._padding = _padding_range(dataset)
        self._slope, self._intercept = _rescale(dataset)
        modality = items(dataset, "ModalityLUTSequence")
        self._modality_table = (
            read_table(modality[0], signed_input=layout.signed, big_endian=big_endian) if modality else None
        )
        voi = items(dataset, "VOILUTSequence")
        self._voi_table = read_table(voi[0], signed_input=self._gives_signed(), big_endian=big_endian) if voi else None
        self._window = read_voi_window(dataset)
        self._table: NDArray[np.uint8] | None = None

    def show(self, frame: StoredFrame) -> NDArray[np.uint8]:
        """The displayed picture (rows, columns): 0 is black. MONOCHROME1 is inverted once, as the last step.

        Presentation LUT Shape is ignored: INVERSE only repeats what MONOCHROME1 says.
        """
        if frame.bits is None or frame.samples.itemsize * 8 > LARGEST_TABLE_BITS:
            return self._show_in_blocks(frame)
        if self._table is None or self._depends_on_picture():
            patterns = np.arange(1 << (8 * frame.samples.itemsize), dtype=np.uint32)
            values = self._modality(frame.bits.values(patterns).astype(np.float64))
            self._table = self._gray(values, frame)
        shown: NDArray[np.uint8] = self._table[frame.samples]
        return shown

    def _show_in_blocks(self, frame: StoredFrame) -> NDArray[np.uint8]:
        flat = frame.samples.reshape(-1)
        shown = np.empty(flat.shape, np.uint8)
        for start in range(0, len(flat), BLOCK_PIXELS):
            block = flat[start : start + BLOCK_PIXELS]
            shown[start : start + BLOCK_PIXELS] = self._gray(self._modality(_numbers(block, frame.bits)), frame)
        return shown.reshape(frame.samples.shape)

    def _modality(self, values: Values) -> Values:
        if self._modality_table:
            return self._modality_table.apply(values)
        return values * self._slope + self._intercept

    def _gray(self, values: Values, frame: StoredFrame) -> NDArray[np.uint8]:
        grays = np.rint(self._brightness(values, frame) * 255).astype(np.uint8)
        return 255 - grays if frame.photometric == "MONOCHROME1" else grays

    def _brightness(self, values: Values, frame: StoredFrame) -> Values:
        """The VOI step: a table if there is one, as in pydicom and most viewers, then a window, then the range of
        values.
        """
        if self._voi_table:
            return self._voi_table.apply(values) / self._voi_table.top
        if self._layout.bits_stored <= 8 and frame.bits is not None:
            lowest, highest = self._full_range()
            return self._window.brightness(values) if self._window else _stretch(values, lowest, highest)
        lowest, highest = self._range_in(frame)
        if self._window and self._window.limits[0] <= highest and self._window.limits[1] >= lowest:
            return self._window.brightness(values)
        # Without a window, or with one that would make the picture all black or all white, show the whole range.
        return _stretch(values, lowest, highest)

    def _depends_on_picture(self) -> bool:
        return self._voi_table is None and self._layout.bits_stored > 8

    def _full_range(self) -> tuple[float, float]:
        """All values that up to 8 stored bits can hold: screen captures must not be stretched."""
        bits = SampleBits(self._layout.bits_stored, 0, self._layout.signed)
        ends = self._modality(bits.values(np.arange(1 << bits.count, dtype=np.uint32)).astype(np.float64))
        return float(ends.min()), float(ends.max())

    def _range_in(self, frame: StoredFrame) -> tuple[float, float]:
        """The range of modality values in `frame`, without padding and a few outliers at each end."""
        step = max(int((frame.samples.size / SAMPLED_PIXELS) ** 0.5), 1)
        stored = _numbers(frame.samples[::step, ::step], frame.bits).reshape(-1)
        stored = stored[np.isfinite(stored)]
        if self._padding:
            image = stored[(stored < self._padding[0]) | (stored > self._padding[1])]
            stored = image if image.size else stored
        if not stored.size:
            return 0.0, 1.0
        values = self._modality(stored)
        lowest, highest = np.percentile(values, (OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT))
        return float(lowest), float(highest)

    def _gives_signed(self) -> bool:
        """Whether the VOI table's first input value is signed (PS3.3 C.11.2.1.1)."""
        return self._modality_table is None and (self._layout.signed or self._intercept < 0)


def read_voi_window(dataset: Dataset) -> VoiWindow | None:
    """The first usable window, or None. Widths between 0 and 1 only make sense as LINEAR_EXACT."""
    function = text(dataset, "VOILUTFunction").upper()
    if function not in ("LINEAR_EXACT", "SIGMOID"):
        function = "LINEAR"
    pairs = zip(numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth"), strict=False)
    for center, width in pairs:
        if width >= 1 or (width > 0 and function != "LINEAR"):
            return VoiWindow(center, width, function)
        if width > 0:
            return VoiWindow(center, width, "LINEAR_EXACT")
    return None


def _rescale(dataset: Dataset) -> tuple[float, float]:
    slopes, intercepts = numbers(dataset, "RescaleSlope"), numbers(dataset, "RescaleIntercept")
    slope = slopes[0] if slopes and slopes[0] != 0 else 1.0
    return slope, intercepts[0] if intercepts else 0.0


def _padding_range(dataset: Dataset) -> tuple[float, float] | None:
    """Stored values that fill the area around the image (PS3.3 C.7.5.1.1.2).

    They are ignored when the range of values is determined, but shown like any other value: what one machine calls
    padding is dense bone on the next.
    """
    first = numbers(dataset, "PixelPaddingValue")
    if not first:
        return None
    limit = numbers(dataset, "PixelPaddingRangeLimit") or first
    return min(first[0], limit[0]), max(first[0], limit[0])


def _numbers(samples: NDArray[Any], bits: SampleBits | None) -> Values:
    return samples.astype(np.float64) if bits is None else bits.values(samples).astype(np.float64)


def _stretch(values: Values, lowest: float, highest: float) -> Values:
    if highest <= lowest:
        return np.clip(values - lowest, 0.0, 1.0)
    stretched: Values = np.clip((values - lowest) / (highest - lowest), 0.0, 1.0)
    return stretched
