"""Whether two instances with one SOP Instance UID are the same image in two transfer syntaxes.

A machine that could not send an image in one transfer syntax sends it in another, under the same UID, as it may (PS3.5
Annex A: lossless compression needs no new UID). The bytes differ, and the image is the same when its pixels are, and
everything that the header says besides how they are encoded. In doubt it is another one: then both are kept, shown and
passed on, while an image that is wrongly taken for one that is here would be shown to nobody.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leapfrog.errors import LeapfrogError
from leapfrog.reader.image.attributes import lenient_parsing
from leapfrog.reader.image.dicom_file import DicomFile
from leapfrog.reader.image.frames.decoding import COLOUR, FrameDecoder, StoredFrame
from leapfrog.reader.image.image import DecodedImage

# Attributes that follow from the encoding, or from when an object was written.
OF_THE_ENCODING = frozenset(
    (
        0x00080001,  # Length to End (retired)
        0x00080005,  # Specific Character Set: texts are compared decoded
        0x00080012,  # Instance Creation Date
        0x00080013,  # Instance Creation Time
        0x00080014,  # Instance Creator UID
        0x00280006,  # Planar Configuration
        0x00280008,  # Number of Frames: compared as the layout has it
        0x00282110,  # Lossy Image Compression: whether it lost anything, the pixels say
        0x00282112,  # Lossy Image Compression Ratio
        0x00282114,  # Lossy Image Compression Method
    )
)
PHOTOMETRIC_INTERPRETATION = 0x00280004  # of colours, which are compared as shown, it follows from the encoding
ROWS_AT_ONCE = 256  # compared at once, so that two large films fit in memory


def is_same_image(one: DicomFile, other: DicomFile, limit_seconds: float) -> bool:
    """Whether both files hold the same image. False also when that is not certain: when a pixel cannot be decoded, or
    when comparing takes longer than `limit_seconds`.
    """
    try:
        return _same_header(one.dataset, other.dataset) and _same_pixels(one, other, limit_seconds)
    except (LeapfrogError, MemoryError):
        return False


def _same_header(one: Dataset, other: Dataset) -> bool:
    try:
        with lenient_parsing():
            return dict(_stated(one)) == dict(_stated(other))
    except Exception:  # a malformed value can raise anything
        return False


def _stated(dataset: Dataset) -> Iterator[tuple[int, Any]]:
    """What the header states, by tag, in a form that does not depend on the encoding: standard attributes with a value,
    sequences item by item.
    """
    colour = str(dataset.get("PhotometricInterpretation", "")) in COLOUR
    for element in dataset:
        tag = int(element.tag)
        if element.tag.is_private or element.tag.element == 0 or tag in OF_THE_ENCODING:
            continue
        if colour and tag == PHOTOMETRIC_INTERPRETATION:
            continue
        if isinstance(element.value, Sequence):
            yield tag, [dict(_stated(item)) for item in element.value]
        elif element.value is not None and str(element.value):
            yield tag, str(element.value)


def _same_pixels(one: DicomFile, other: DicomFile, limit_seconds: float) -> bool:
    until = time.monotonic() + limit_seconds
    first, second = DecodedImage(one), DecodedImage(other)
    layouts = [(layout.rows, layout.columns, layout.frames, layout.samples) for layout in (first.layout, second.layout)]
    if layouts[0] != layouts[1]:
        return False
    decoders = FrameDecoder(one), FrameDecoder(other)
    for index in range(first.frame_count):
        if first.layout.samples > 1:  # colours are stored in other ways by each transfer syntax
            same = np.array_equal(first.frame(index).shown, second.frame(index).shown)
        else:
            same = _same_values(decoders[0].stored(index), decoders[1].stored(index))
        if not same or time.monotonic() > until:
            return False
    return True


def _same_values(one: StoredFrame, other: StoredFrame) -> bool:
    """Whether the values of two gray frames are the same, however many bits each is stored in."""
    if one.samples.shape != other.samples.shape:
        return False
    return all(
        np.array_equal(_values(one, slice(top, top + ROWS_AT_ONCE)), _values(other, slice(top, top + ROWS_AT_ONCE)))
        for top in range(0, one.samples.shape[0], ROWS_AT_ONCE)
    )


def _values(frame: StoredFrame, rows: slice) -> NDArray[Any]:
    return frame.samples[rows] if frame.bits is None else frame.bits.values(frame.samples[rows])
