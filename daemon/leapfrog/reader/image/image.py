"""An image as the reader works with it: opened, checked, and shown frame by frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.dicom.uids import EXPLICIT_BIG_ENDIAN
from leapfrog.errors import UnreadableImage
from leapfrog.reader.image.dicom_file import DicomFile
from leapfrog.reader.image.frames.decoding import CANNOT_DECODE, PALETTE, TOO_LARGE, FrameDecoder, StoredFrame
from leapfrog.reader.image.functional_groups import (
    FRAME_VOI_LUT,
    PIXEL_MEASURES,
    PIXEL_VALUE_TRANSFORMATION,
    FunctionalGroups,
)
from leapfrog.reader.image.grayscale import GrayScale
from leapfrog.reader.image.lookup_table import palette_colours
from leapfrog.reader.image.object_kind import check_is_picture
from leapfrog.reader.image.overlay_planes import graphics_of, read_overlay_planes
from leapfrog.reader.image.pixels import DisplayedFrame, PixelRegion
from leapfrog.reader.image.spacing import UNKNOWN, Scale, SpacingMm, scale_of, stated_spacings, without_contradiction
from leapfrog.reader.image.ultrasound import tissue_regions


@dataclass(frozen=True)
class ImageArea:
    """A part of the picture that shows the body, in pixels, and the scale that holds in it."""

    box: PixelRegion
    scale: Scale


class DecodedImage:
    """An image whose frames can be shown one at a time; `layout` has its size.

    `areas` are the parts of the picture that show the body, the largest first: more than one in the dual pictures of
    ultrasound machines. `notes` are sentences for staff about the image as a whole.
    """

    def __init__(self, file: DicomFile) -> None:
        """Raises the same errors as `open_image`."""
        if file.damage:
            raise UnreadableImage(file.damage)
        check_is_picture(file)
        self._file = file
        self._decoder = FrameDecoder(file)
        self.layout = self._decoder.layout
        self._big_endian = file.transfer_syntax_uid == EXPLICIT_BIG_ENDIAN
        self._groups = FunctionalGroups(file.dataset)
        self._gray_scale = self._gray_scale_of(0)
        self._gray_scale_varies = self._groups.vary(FRAME_VOI_LUT, PIXEL_VALUE_TRANSFORMATION)
        self._overlays = read_overlay_planes(file.dataset, big_endian=self._big_endian)
        self.areas = self._find_areas()
        self.notes = tuple(filter(None, (file.note, self._decoder.note)))

    @property
    def frame_count(self) -> int:
        """How many frames the file says there are, at least 1."""
        return self.layout.frames

    @property
    def present(self) -> Sequence[int]:
        """The frames that are there, at least one, counted from 0; whether each can be decoded is not known yet."""
        return self._decoder.present

    @property
    def area(self) -> PixelRegion:
        """The largest part of the picture that shows the body, in pixels."""
        return self.areas[0].box

    @property
    def spacing_mm(self) -> SpacingMm | None:
        """The distance in the patient between rows and between columns in that part, if it is known."""
        return self.areas[0].scale.spacing_mm

    def frame(self, index: int) -> DisplayedFrame:
        """Frame `index`, from 0, decoded and as a person should see it. Only this frame is held in memory.

        Raises UnreadableImage if it cannot be decoded.
        """
        stored = self._decoder.stored(index)
        try:
            if self._gray_scale_varies:
                self._gray_scale = self._gray_scale_of(index)
            graphics = graphics_of(self._overlays, index, stored, self.layout)
            return DisplayedFrame(
                self._shown(stored), graphics.drawn, tuple(filter(None, (stored.note, graphics.note)))
            )
        except MemoryError as error:
            too_large = TOO_LARGE.format(columns=self.layout.columns, rows=self.layout.rows)
            raise UnreadableImage(too_large) from error
        except (ValueError, IndexError, OverflowError, FloatingPointError) as error:  # nonsensical look-up tables
            raise UnreadableImage(CANNOT_DECODE) from error

    def _gray_scale_of(self, index: int) -> GrayScale:
        dataset, big_endian = self._file.dataset, self._big_endian
        return GrayScale(dataset, self.layout, big_endian=big_endian, groups=self._groups, index=index)

    def _find_areas(self) -> tuple[ImageArea, ...]:
        dataset, rows, columns = self._file.dataset, self.layout.rows, self.layout.columns
        sources = self._groups.sources(PIXEL_MEASURES, self.present[0])
        whole = scale_of(dataset, sources, (rows, columns))
        areas = []
        for region in tissue_regions(dataset, rows, columns):
            # A region without a scale has that of the picture; one whose scale is wrong says so if that has none.
            has_none = region.scale == UNKNOWN or whole.spacing_mm is not None
            use_whole = region.scale.spacing_mm is None and has_none
            areas.append(ImageArea(region.box, whole if use_whole else region.scale))
        # Of several pictures beside each other, what is stated of the whole need hold in one of them only.
        agreed = [
            without_contradiction(area.scale, stated_spacings(dataset, sources), (rows, columns)) for area in areas
        ]
        if not any(scale.spacing_mm for scale in agreed):
            areas = [replace(area, scale=scale) for area, scale in zip(areas, agreed, strict=True)]
        return tuple(areas) or (ImageArea((0, 0, columns, rows), whole),)

    def _shown(self, stored: StoredFrame) -> NDArray[np.uint8]:
        if stored.photometric == PALETTE:
            return self._through_palette(stored)
        if stored.samples.ndim == 2:
            return self._gray_scale.show(stored)
        colours = _to_bytes(stored, self.layout.bits_stored)
        return _rgb_of_ybr(colours) if stored.photometric.startswith("YBR") else colours

    def _through_palette(self, stored: StoredFrame) -> NDArray[np.uint8]:
        if stored.bits is None or stored.samples.itemsize > 2:
            raise ValueError("A palette has at most 65,536 entries.")
        patterns = np.arange(1 << (8 * stored.samples.itemsize), dtype=np.uint32)
        values = stored.bits.values(patterns)
        signed = self.layout.signed
        colours = palette_colours(self._file.dataset, values, signed=signed, big_endian=self._big_endian)
        shown: NDArray[np.uint8] = colours[stored.samples]
        return shown


def open_image(file: DicomFile) -> DecodedImage:
    """The image in an opened file, its sizes and lengths checked but nothing decoded yet.

    Raises NothingToRead if the instance is not a still picture and is only to be passed on. Raises UnreadableImage,
    with a sentence for staff, if its picture is damaged, missing, too large or compressed in an unknown way.
    """
    return DecodedImage(file)


def _to_bytes(stored: StoredFrame, bits_stored: int) -> NDArray[np.uint8]:
    """The upper 8 of the bits that each colour uses."""
    if stored.samples.dtype.kind == "f":
        raise ValueError("Colours cannot be floating-point numbers.")
    shift = max(bits_stored - 8, 0)
    return np.ascontiguousarray(stored.samples >> shift if shift else stored.samples).astype(np.uint8, copy=False)


def _rgb_of_ybr(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert YBR_FULL, which is JPEG's YCbCr (PS3.3 C.7.6.3.1.2), to RGB; Pillow does it in integers."""
    size = (colours.shape[1], colours.shape[0])
    picture = Image.frombuffer("YCbCr", size, colours.tobytes(), "raw", "YCbCr", 0, 1)
    return np.asarray(picture.convert("RGB"), dtype=np.uint8)
