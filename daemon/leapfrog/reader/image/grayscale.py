"""From stored values to displayed grays: modality transformation, then VOI transformation, then inversion.

PS3.4 Annex N.2 gives the order. For samples of up to 16 bits, all steps are computed once for each possible value, and
the picture is looked up in that table: this needs no full-size array of floats (a film of 2500x2048 takes 15 ms instead
of 114 ms). Windowing clips values, so shrinking first would give another result: pictures are always windowed first and
shrunk afterwards, as bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from leapfrog.reader.image.attributes import items, numbers, text
from leapfrog.reader.image.frames.decoding import Layout, SampleBits, StoredFrame
from leapfrog.reader.image.functional_groups import FRAME_VOI_LUT, PIXEL_VALUE_TRANSFORMATION, FunctionalGroups
from leapfrog.reader.image.lookup_table import LookupTable, read_table
from leapfrog.reader.image.value_counts import ValueCounts, Values, counted

SAMPLED_PIXELS = 250_000  # enough to determine a picture's range of values
OUTLIERS_PERCENT = 0.2  # at each end, such as lead letters, which must not decide how bright the body is shown
BLOCK_PIXELS = 1 << 20  # values of 32 bits and more are windowed in blocks, to need less memory for floats
LARGEST_TABLE_BITS = 16
# Looked up at a time: numpy makes indices of 8 bytes of each, which for a whole film are 40 MB and leave every cache.
LOOKED_UP_PIXELS = 1 << 16
# A window that was left from another bit depth shows next to nothing: all values in a few grays, or nearly all of them
# in black and white.
FEWEST_GRAYS = 1 / 8  # of black to white, for the range of values
FEWEST_WITHIN = 0.02  # of the pixels
FEWEST_WITHIN_FEWER_BITS = 0.25  # of the pixels, in a window over exactly what fewer bits can hold, such as 0 to 255
# Of the values that the stored bits can hold. A picture with a smaller range is blank, which its window shall show.
BLANK_RANGE = 1 / 64
# X-ray images whose Modality LUT leads back to intensities at the detector and is not for display (PS3.3 C.8.7.1.1.2).
FLUOROSCOPY_CLASSES = "1.2.840.10008.5.1.4.1.1.12."  # the root of XA, biplane XA, XRF and their enhanced classes
FLUOROSCOPY_MODALITIES = frozenset(("XA", "RF"))
NOT_FOR_DISPLAY = frozenset(("LOG", "DISP"))


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

    def is_range_of_fewer_bits(self, bits: int) -> bool:
        """Whether it spans exactly what unsigned numbers of fewer than `bits` bits can hold: 127.5 and 255, or so."""
        lowest, highest = self.limits
        return abs(lowest) <= 1 and any(abs(highest - (1 << fewer)) <= 2 for fewer in range(8, bits))

    @property
    def limits(self) -> tuple[float, float]:
        """Values below the first are black, above the second white; only roughly so for a sigmoid."""
        return self.center - self.width / 2, self.center + self.width / 2


@dataclass(frozen=True)
class VoiTable:
    """A VOI look-up table (PS3.3 C.11.2.1.1)."""

    table: LookupTable

    def brightness(self, values: Values) -> Values:
        """0 (black) to 1 (white) for modality `values`."""
        return self.table.apply(values) / self.table.top


class GrayScale:
    """How the gray values of one instance are to be shown. Build it once, then use it for each frame; where functional
    groups differ between frames, one for each frame.
    """

    def __init__(
        self, dataset: Dataset, layout: Layout, *, big_endian: bool, groups: FunctionalGroups, index: int = 0
    ) -> None:
        """Read the settings for frame `index` from the data set; any that makes no sense is ignored."""
        self._layout = layout
        self._padding = _padding_range(dataset)
        self._slope, self._intercept = next(
            filter(None, (_rescale(source) for source in groups.sources(PIXEL_VALUE_TRANSFORMATION, index))), (1.0, 0.0)
        )
        modality = () if _is_not_for_display(dataset) else items(dataset, "ModalityLUTSequence")
        self._modality_table = (
            read_table(modality[0], signed_input=layout.signed, big_endian=big_endian) if modality else None
        )
        self._transformations: tuple[VoiTable | VoiWindow, ...] = tuple(
            transformation
            for source in groups.sources(FRAME_VOI_LUT, index)
            for transformation in self._read_transformations(source, big_endian=big_endian)
        )
        self._table: NDArray[np.uint8] | None = None

    def _read_transformations(self, source: Dataset, *, big_endian: bool) -> Iterator[VoiTable | VoiWindow]:
        """Tables before windows, as in pydicom and most viewers."""
        for item in items(source, "VOILUTSequence"):
            table = read_table(item, signed_input=self._gives_signed(), big_endian=big_endian)
            if table is not None:
                yield VoiTable(table)
        yield from read_voi_windows(source)

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
        return _looked_up(self._table, frame.samples)

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
        """The VOI step: the first table or window that shows something of the picture, else the range of values."""
        if self._layout.bits_stored <= 8 and frame.bits is not None:
            ends = self._full_range(frame.bits)
            for transformation in self._transformations:
                if _grays(transformation, *ends) >= FEWEST_GRAYS:
                    return transformation.brightness(values)
            return _stretch(values, *ends)  # screen captures must not be stretched to their own range
        shown = self._values_in(frame)
        lowest, highest = shown.without_ends(OUTLIERS_PERCENT) if shown.count else (0.0, 1.0)
        for transformation in self._transformations:
            if self._shows(transformation, shown, lowest, highest, frame):
                return transformation.brightness(values)
        return _stretch(values, lowest, highest)

    def _shows(
        self,
        transformation: VoiTable | VoiWindow,
        shown: ValueCounts,
        lowest: float,
        highest: float,
        frame: StoredFrame,
    ) -> bool:
        """Whether `transformation` shows something of the values `shown`, which lie between `lowest` and `highest`."""
        window = transformation if isinstance(transformation, VoiWindow) else None
        if window and not (window.limits[0] <= highest and window.limits[1] >= lowest):
            return False
        if frame.bits is not None:
            ends = self._full_range(frame.bits)
            if highest - lowest < BLANK_RANGE * (ends[1] - ends[0]) and _grays(transformation, *ends) >= FEWEST_GRAYS:
                return True
        if _grays(transformation, lowest, highest) < FEWEST_GRAYS:
            return False
        return window is None or shown.share_within(*window.limits) >= self._fewest_within(window)

    def _fewest_within(self, window: VoiWindow) -> float:
        is_stored = self._modality_table is None and (self._slope, self._intercept) == (1.0, 0.0)
        fewer_bits = is_stored and not self._layout.signed and window.is_range_of_fewer_bits(self._layout.bits_stored)
        return FEWEST_WITHIN_FEWER_BITS if fewer_bits else FEWEST_WITHIN

    def _depends_on_picture(self) -> bool:
        return self._layout.bits_stored > 8

    def _full_range(self, bits: SampleBits) -> tuple[float, float]:
        """The lowest and highest of all values that the stored bits can hold."""
        lowest = -(1 << bits.count - 1) if bits.signed else 0
        highest = lowest + (1 << bits.count) - 1
        # A table need not rise throughout, so all of its values count.
        stored = np.arange(lowest, highest + 1) if bits.count <= LARGEST_TABLE_BITS else np.array((lowest, highest))
        values = self._modality(stored.astype(np.float64))
        return float(values.min()), float(values.max())

    def _values_in(self, frame: StoredFrame) -> ValueCounts:
        """The modality values of a sample of `frame`, without padding."""
        step = max(int((frame.samples.size / SAMPLED_PIXELS) ** 0.5), 1)
        patterns, counts = counted(frame.samples[::step, ::step])
        stored = _numbers(patterns, frame.bits)
        kept = np.isfinite(stored)
        if self._padding:
            image = kept & ((stored < self._padding[0]) | (stored > self._padding[1]))
            kept = image if image.any() else kept
        return ValueCounts.of(self._modality(stored[kept]), counts[kept])

    def _gives_signed(self) -> bool:
        """Whether the VOI table's first input value is signed (PS3.3 C.11.2.1.1)."""
        return self._modality_table is None and (self._layout.signed or self._intercept < 0)


def _looked_up(table: NDArray[np.uint8], samples: NDArray[Any]) -> NDArray[np.uint8]:
    """`table` at each of `samples`, none of which is beyond its end."""
    shown = np.empty(samples.shape, np.uint8)
    flat, flat_shown = samples.reshape(-1), shown.reshape(-1)
    for start in range(0, len(flat), LOOKED_UP_PIXELS):
        end = start + LOOKED_UP_PIXELS
        # "clip" has numpy write straight into `out`; nothing is clipped.
        np.take(table, flat[start:end], out=flat_shown[start:end], mode="clip")
    return shown


def read_voi_windows(dataset: Dataset) -> tuple[VoiWindow, ...]:
    """The windows that make sense, in order. Widths between 0 and 1 only do as LINEAR_EXACT."""
    function = text(dataset, "VOILUTFunction").upper()
    if function not in ("LINEAR_EXACT", "SIGMOID"):
        function = "LINEAR"
    pairs = zip(numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth"), strict=False)
    return tuple(
        VoiWindow(center, width, function if width >= 1 or function != "LINEAR" else "LINEAR_EXACT")
        for center, width in pairs
        if width > 0
    )


def _is_not_for_display(dataset: Dataset) -> bool:
    is_fluoroscopy = (
        text(dataset, "SOPClassUID").startswith(FLUOROSCOPY_CLASSES)
        or text(dataset, "Modality").upper() in FLUOROSCOPY_MODALITIES
    )
    return is_fluoroscopy and text(dataset, "PixelIntensityRelationship").upper() in NOT_FOR_DISPLAY


def _rescale(dataset: Dataset) -> tuple[float, float] | None:
    slopes, intercepts = numbers(dataset, "RescaleSlope"), numbers(dataset, "RescaleIntercept")
    if not slopes and not intercepts:
        return None
    slope = slopes[0] if slopes and slopes[0] != 0 else 1.0
    return slope, intercepts[0] if intercepts else 0.0


def _grays(transformation: VoiTable | VoiWindow, lowest: float, highest: float) -> float:
    """How much of black to white `transformation` makes of the range of values, 0 to 1. A sigmoid reaches neither."""
    # A table need not rise or fall throughout, so its ends alone do not tell.
    brightness = transformation.brightness(np.linspace(lowest, highest, 256))
    return float(brightness.max() - brightness.min())


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
