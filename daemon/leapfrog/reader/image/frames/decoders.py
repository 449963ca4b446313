"""Decompresses one frame: `DECODERS` has the decoders of each transfer syntax, and the next is asked when one refuses.

pydicom runs them, through its plug-ins. It gets the values that were checked by the caller, not the data set. They are
written in C and may crash the process on a malformed file, which is why readers are processes of their own.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder

from leapfrog.errors import UnreadableImage
from leapfrog.reader.image.dicom_file import ENDS_EARLY
from leapfrog.reader.image.frames.codestream import (
    CodestreamHeader,
    has_end,
    tile_parts_are_whole,
    with_end,
    with_other_data,
)
from leapfrog.reader.image.frames.gdcm_plugin import load as load_gdcm

Samples = NDArray[Any]

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
RLE = "1.2.840.10008.1.2.5"


class Decoder(NamedTuple):
    """One of pydicom's plug-ins, and the transfer syntax to call it with if that differs from the file's."""

    plugin: str
    syntax: str = ""


class Decompressed(NamedTuple):
    """The samples of a frame, (rows, columns) or (rows, columns, samples), and the photometric interpretation that they
    have now.
    """

    samples: Samples
    photometric: str


PILLOW, GDCM, PYJPEGLS, OPENJPEG = Decoder("pillow"), Decoder("gdcm"), Decoder("pyjpegls"), Decoder("pylibjpeg")
# Measured: pillow 3 ms and gdcm 44 ms for a baseline JPEG of 1024x1024, pylibjpeg 210 ms and gdcm 590 ms for a JPEG
# 2000 film, pyjpegls 11 ms and gdcm 26 ms. As pydicom asks pillow, it takes no colours whose components are called R, G
# and B; gdcm does.
DECODERS: dict[str, tuple[Decoder, ...]] = {
    JPEG_BASELINE: (PILLOW, GDCM),
    # gdcm decodes 12 bits, but pydicom does not ask it to unless the picture is called baseline.
    "1.2.840.10008.1.2.4.51": (PILLOW, Decoder("gdcm", JPEG_BASELINE)),
    "1.2.840.10008.1.2.4.57": (GDCM,),
    "1.2.840.10008.1.2.4.70": (GDCM,),
    "1.2.840.10008.1.2.4.80": (PYJPEGLS, GDCM),
    "1.2.840.10008.1.2.4.81": (PYJPEGLS, GDCM),
    "1.2.840.10008.1.2.4.90": (OPENJPEG, GDCM),
    "1.2.840.10008.1.2.4.91": (OPENJPEG, GDCM),
    "1.2.840.10008.1.2.4.201": (OPENJPEG,),
    "1.2.840.10008.1.2.4.202": (OPENJPEG,),
    "1.2.840.10008.1.2.4.203": (OPENJPEG,),
    RLE: (Decoder("pydicom"),),
}


def decompress(content: bytes, syntax: str, header: CodestreamHeader | None, options: dict[str, Any]) -> Decompressed:
    """The samples of the frame `content`. `options` is its layout under the names that pydicom uses.

    Decoders of the transfer syntax that `header` shows come last: some files name another than they have. Raises what
    the first decoder raised if none can decode it.
    """
    refusal: Exception | None = None
    for decoder in _decoders(syntax, header):
        if decoder.plugin == GDCM.plugin:
            load_gdcm()
        try:
            samples, properties = get_decoder(decoder.syntax or syntax).as_array(
                encapsulate([content]), index=0, raw=True, decoding_plugin=decoder.plugin, **options
            )
        except MemoryError:
            raise
        except Exception as problem:  # decoders can raise anything on damaged data
            refusal = refusal or problem
        else:
            return Decompressed(samples, str(properties["photometric_interpretation"]))
    raise refusal or UnreadableImage(ENDS_EARLY)


def decompress_unended(content: bytes, syntax: str, header: CodestreamHeader, options: dict[str, Any]) -> Decompressed:
    """The samples of a frame without an end marker, if nothing else is missing.

    Decoders fill what is missing of a JPEG picture with gray and report success, so that must be found out first.
    Raises UnreadableImage(ENDS_EARLY) if the picture is not all there.
    """
    if header.is_jpeg_2000:
        if not tile_parts_are_whole(content):
            raise UnreadableImage(ENDS_EARLY)
        return decompress(with_end(content), syntax, header, options)
    try:
        picture = decompress(with_end(content), syntax, header, options)
    except MemoryError:
        raise
    except Exception as refusal:  # what it misses is in the end, where the marker is missing too
        raise UnreadableImage(ENDS_EARLY) from refusal
    try:
        other = decompress(with_other_data(content), syntax, header, options)
    except Exception:  # JPEG-LS: CharLS refuses data too many, as it does data too few
        return picture
    if not np.array_equal(picture.samples, other.samples):
        raise UnreadableImage(ENDS_EARLY)
    return picture


def is_ended(content: bytes, syntax: str) -> bool:
    """Whether a frame has its end marker. RLE has none, and its decoder counts."""
    return syntax == RLE or has_end(content)


def _decoders(syntax: str, header: CodestreamHeader | None) -> Iterator[Decoder]:
    yield from DECODERS.get(syntax, ())
    if header is not None and header.syntax != syntax:
        for decoder in DECODERS.get(header.syntax, ()):
            yield Decoder(decoder.plugin, decoder.syntax or header.syntax)
