"""From the bytes of a frame to its stored samples: sizes are checked, then the frame is unpacked or decompressed."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BufferedReader
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder

from leapfrog.dicom.uids import EXPLICIT_BIG_ENDIAN, EXPLICIT_LITTLE_ENDIAN, GE_BIG_ENDIAN_PIXELS, NATIVE
from leapfrog.errors import UnreadableImage
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.reader.image.attributes import integer, lenient_parsing, text, uid_name
from leapfrog.reader.image.dicom_file import CANNOT_BE_READ, DOUBLE_PIXELS, ENDS_EARLY, FLOAT_PIXELS, PIXELS, DicomFile
from leapfrog.reader.image.frames.codestream import CodestreamHeader, bare_codestream, codestream_header
from leapfrog.reader.image.frames.decoders import DECODERS, RLE, decompress, decompress_unended, is_ended
from leapfrog.reader.image.frames.frame_index import FrameExtents, compressed_frames, read_extents

LARGEST_FRAME_PIXELS = 64 * 1024 * 1024  # four times the largest detectors; clinics do not scan slides
LARGEST_FRAME_BYTES = 256 * 1024 * 1024
MOST_FRAMES = 100_000  # half an hour of ultrasound at 50 frames a second

STANDARD_SYNTAXES = "1.2.840.10008.1."  # the root of the standard's transfer syntaxes
BIG_ENDIAN_PIXELS = frozenset((EXPLICIT_BIG_ENDIAN, GE_BIG_ENDIAN_PIXELS))
PIXEL_KEYWORDS = {PIXELS: "PixelData", FLOAT_PIXELS: "FloatPixelData", DOUBLE_PIXELS: "DoubleFloatPixelData"}
JPEG_XL = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112))  # newer than pydicom 3.0's names
WHOLE_COLOURS, SUBSAMPLED = "YBR_FULL", "YBR_FULL_422"
COLOUR = frozenset(("RGB", WHOLE_COLOURS, SUBSAMPLED, "YBR_ICT", "YBR_RCT"))
GRAY = frozenset(("MONOCHROME1", "MONOCHROME2"))
PALETTE = "PALETTE COLOR"
NEITHER_LETTER_NOR_DIGIT = re.compile(r"[^A-Z0-9]")
# By letters and digits alone, as DCMTK compares them: "MONOCHROME 2", "PALETTE_COLOR" and the like are sent.
SPELLINGS = {NEITHER_LETTER_NOR_DIGIT.sub("", name): name for name in (*COLOUR, *GRAY, PALETTE)}

NO_SIZE = sentence("The file does not say how large its picture is. Send it again from the machine that made it.")
TOO_LARGE = sentence(
    "The picture ({columns} x {rows} pixels) is too large for this box. It is kept and passed on unread."
)
TOO_MANY_FRAMES = sentence(
    "The file says that it has {frames} frames, too many for this box. It is kept and passed on unread."
)
CANNOT_DECODE = sentence(
    "The picture inside the file could not be decoded. Send it again from the machine that made it."
)
CONTRADICTION = sentence("The file is damaged: the picture inside is not the size that the file says. Send it again.")
UNKNOWN_COMPRESSION = sentence(
    "The picture is compressed in a way ({name}) that this box cannot open. Set the machine that made it to send"
    ' uncompressed or "JPEG Lossless" pictures. The file is kept and passed on unread.'
)
NAMELESS_COMPRESSION = sentence(
    "The picture is compressed in a way that this box does not know. Set the machine that made it to send"
    ' uncompressed or "JPEG Lossless" pictures. The file is kept and passed on unread.'
)
NO_END = sentence(
    "The picture's end marker is missing, but all of the picture is there. Check it, and send it again if something is"
    " wrong with it."
)
FRAMES_MISSING = sentence(
    "The file is damaged: it ends early, and only {present} of its {frames} frames are there. Send it again from the"
    " machine that made it."
)
UNKNOWN_SAMPLES = sentence(
    "The picture's pixels are stored in a way ({what}) that this box cannot show. The file is kept and passed on"
    " unread."
)

Samples = NDArray[Any]


@dataclass(frozen=True)
class Layout:
    """How the pixels of one frame are laid out (PS3.3 C.7.6.3). `floating`: IEEE numbers of 32 or 64 bits."""

    rows: int
    columns: int
    samples: int
    frames: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: bool
    floating: bool

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame in the file, as a Python integer that cannot overflow."""
        per_pixel = 2 if self.photometric == SUBSAMPLED else self.samples
        return self.rows * self.columns * per_pixel * self.bits_allocated


@dataclass(frozen=True)
class SampleBits:
    """Which bits of a stored number hold its value: `count` bits from bit `shift` up, signed or not."""

    count: int
    shift: int
    signed: bool

    def values(self, patterns: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.int64]:
        """The integers in stored bit patterns; all other bits are ignored (PS3.5 Section 8.1.1)."""
        numbers = (patterns.astype(np.int64) >> self.shift) & ((1 << self.count) - 1)
        if self.signed:
            numbers -= (numbers >> (self.count - 1)) << self.count
        return numbers


@dataclass(frozen=True)
class StoredFrame:
    """Decoded samples: (rows, columns) or (rows, columns, 3), unsigned integers of 8, 16 or 32 bits, or floats.

    `bits` says how to interpret integers; it is None for floats. `photometric` is that of the decoder's output.
    `note` is a sentence for staff about how it was decoded, or "".
    """

    samples: Samples
    photometric: str
    bits: SampleBits | None
    note: Sentence = Sentence("")


def read_layout(dataset: Dataset, *, floating_bits: int = 0) -> Layout:
    """The layout from the data set's header, checked. Raises UnreadableImage if it makes no sense or is too large."""
    rows, columns = integer(dataset, "Rows") or 0, integer(dataset, "Columns") or 0
    if rows <= 0 or columns <= 0:
        raise UnreadableImage(NO_SIZE)
    photometric = _photometric(dataset)
    samples = integer(dataset, "SamplesPerPixel") or (3 if photometric in COLOUR else 1)
    photometric = photometric or ("MONOCHROME2" if samples == 1 else "RGB")
    bits_allocated = floating_bits or integer(dataset, "BitsAllocated") or 0
    bits_stored = min(integer(dataset, "BitsStored") or bits_allocated, bits_allocated)
    high_bit = integer(dataset, "HighBit")
    layout = Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        frames=max(integer(dataset, "NumberOfFrames") or 1, 1),
        photometric=photometric,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=bits_stored - 1 if high_bit is None else min(max(high_bit, bits_stored - 1), bits_allocated - 1),
        signed=integer(dataset, "PixelRepresentation") == 1,
        planar=samples > 1 and integer(dataset, "PlanarConfiguration") == 1,
        floating=bool(floating_bits),
    )
    _check_layout(layout)
    return layout


def _photometric(dataset: Dataset) -> str:
    """Photometric Interpretation in the standard's spelling; the first value if there are several."""
    stored = text(dataset, "PhotometricInterpretation").upper().split("\\")[0].strip()
    return SPELLINGS.get(NEITHER_LETTER_NOR_DIGIT.sub("", stored), stored)


def _check_layout(layout: Layout) -> None:
    if layout.rows * layout.columns > LARGEST_FRAME_PIXELS or layout.frame_bits > 8 * LARGEST_FRAME_BYTES:
        raise UnreadableImage(TOO_LARGE.format(columns=layout.columns, rows=layout.rows))
    if layout.frames > MOST_FRAMES:
        raise UnreadableImage(TOO_MANY_FRAMES.format(frames=layout.frames))
    is_colour = layout.photometric in COLOUR and layout.samples == 3
    is_single = (layout.photometric in GRAY or layout.photometric == PALETTE) and layout.samples == 1
    if not (is_colour or is_single):
        raise UnreadableImage(UNKNOWN_SAMPLES.format(what=f"{layout.photometric[:16]}, {layout.samples} per pixel"))
    bits_known = layout.bits_allocated in (8, 16, 32) or (layout.bits_allocated == 1 and layout.samples == 1)
    if not (bits_known or layout.floating) or layout.bits_stored <= 0:
        raise UnreadableImage(UNKNOWN_SAMPLES.format(what=f"{layout.bits_allocated} bits each"))


class FrameDecoder:
    """Decodes a file's frames one at a time; only the current frame is in memory."""

    def __init__(self, file: DicomFile) -> None:
        """Check the header and find the frames, without running a decoder. Raises UnreadableImage."""
        if file.pixels is None:
            raise ValueError("The file has no pixels.")
        self._file = file
        self._pixels = file.pixels
        floating_bits = {FLOAT_PIXELS: 32, DOUBLE_PIXELS: 64}.get(file.pixels.tag, 0)
        self.layout = read_layout(file.dataset, floating_bits=floating_bits)
        self._compressed = file.pixels.length is None
        self._is_big_endian = file.transfer_syntax_uid in BIG_ENDIAN_PIXELS
        self._check_transfer_syntax()
        self._frames: tuple[FrameExtents, ...] = ()  # of compressed ones; uncompressed ones simply follow one another
        self.present: Sequence[int] = self._find_frames(file.pixels.length)

    @property
    def note(self) -> Sentence:
        """A sentence for staff if frames are missing, or ""."""
        frames, present = self.layout.frames, len(self.present)
        return FRAMES_MISSING.format(present=present, frames=frames) if present < frames else Sentence("")

    def stored(self, index: int) -> StoredFrame:
        """Frame `index`, counted from 0. Raises UnreadableImage if it cannot be decoded."""
        try:
            with self._file.opened() as stream, lenient_parsing():
                if self._compressed:
                    return self._decompressed(read_extents(stream, self._frames[index]))
                return self._unpacked(stream, index)
        except (UnreadableImage, OSError):  # OSError is the disk's; decoders' errors arrive as RuntimeError
            raise
        except MemoryError as error:
            raise UnreadableImage(TOO_LARGE.format(columns=self.layout.columns, rows=self.layout.rows)) from error
        except Exception as error:  # decoders can raise anything on damaged data
            raise UnreadableImage(CANNOT_DECODE) from error

    def _check_transfer_syntax(self) -> None:
        syntax = self._file.transfer_syntax_uid
        if self._compressed and syntax in NATIVE:
            raise UnreadableImage(CANNOT_BE_READ)
        # Somebody's own transfer syntax may be anything, even where its pixels look uncompressed.
        is_private = not syntax.startswith(STANDARD_SYNTAXES) and syntax not in NATIVE
        if is_private or (self._compressed and syntax not in DECODERS):
            name = "JPEG XL" if syntax in JPEG_XL else uid_name(syntax)
            raise UnreadableImage(UNKNOWN_COMPRESSION.format(name=name) if name else NAMELESS_COMPRESSION)

    def _find_frames(self, length: int | None) -> Sequence[int]:
        """The frames that are there, counted from 0: of a picture its only one, of a loop at least one."""
        if length is None:
            with self._file.opened() as stream:
                self._frames = compressed_frames(stream, self._pixels.offset, self.layout.frames)
            return tuple(index for index, extents in enumerate(self._frames) if extents)
        self._recognise_whole_colours(length)
        available = min(length, self._file.byte_count - self._pixels.offset)
        present = min(8 * available // self.layout.frame_bits, self.layout.frames)
        if present == 0:
            raise UnreadableImage(ENDS_EARLY)
        return range(present)

    def _recognise_whole_colours(self, length: int) -> None:
        """Pixels of exactly the length that they have without subsampling are not subsampled, whatever they are called:
        many programs decompress a JPEG and leave its YBR_FULL_422.
        """
        whole = replace(self.layout, photometric=WHOLE_COLOURS)
        byte_count = whole.frame_bits * whole.frames // 8
        if self.layout.photometric == SUBSAMPLED and length == byte_count + byte_count % 2:
            self.layout = whole

    def _unpacked(self, stream: BinaryIO, index: int) -> StoredFrame:
        layout = self.layout
        if layout.bits_allocated == 1:
            return StoredFrame(self._single_bits(stream, index), layout.photometric, SampleBits(1, 0, signed=False))
        bits = SampleBits(layout.bits_stored, layout.high_bit + 1 - layout.bits_stored, layout.signed)
        if layout.samples == 1 and not layout.floating and not self._is_big_endian:
            return StoredFrame(self._plain(stream, index), layout.photometric, bits)
        # Pixels that are not in items are read even if the transfer syntax is unknown or a compressed one.
        order = EXPLICIT_BIG_ENDIAN if self._is_big_endian else EXPLICIT_LITTLE_ENDIAN
        options = self._decoding_options(layout.frames) | {
            "pixel_keyword": PIXEL_KEYWORDS[self._pixels.tag],
            "pixel_vr": self._vr,  # big endian OW: bytes are swapped in pairs
            "pixel_representation": 0,  # raw bits: SampleBits handles the high bit too, which pydicom ignores
            "correct_unused_bits": False,
            "planar_configuration": int(layout.planar and layout.photometric != SUBSAMPLED),  # PS3.3 C.7.6.3.1.2
            "view_only": True,
        }
        stream.seek(self._pixels.offset)
        samples, properties = get_decoder(order).as_array(stream, index=index, raw=True, validate=False, **options)
        samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
        return StoredFrame(samples, str(properties["photometric_interpretation"]), None if layout.floating else bits)

    def _plain(self, stream: BinaryIO, index: int) -> Samples:
        """Frame `index` of numbers that follow one another, as in most films. They are read to where they stay: the 10
        MB of a film as bytes, of which an array is made, cost 6 ms more, most of it for memory (measured).
        """
        samples = np.empty((self.layout.rows, self.layout.columns), f"<u{self.layout.bits_allocated // 8}")
        stream.seek(self._pixels.offset + index * samples.nbytes)
        if cast(BufferedReader, stream).readinto(samples.data.cast("B")) < samples.nbytes:
            raise UnreadableImage(ENDS_EARLY)
        return samples

    @property
    def _vr(self) -> str:
        """The pixels' VR, which is OW in implicit VR (PS3.5 Annex A.1)."""
        return self._pixels.vr.decode("latin-1") or "OW"

    def _single_bits(self, stream: BinaryIO, index: int) -> Samples:
        """Frame `index` of pixels with one bit each.

        Our own code, since pydicom 3.0.2 reads one byte too few if a frame begins in the middle of a byte, and does not
        swap these bytes.
        """
        count = self.layout.frame_bits
        word, start = divmod(index * count, 16)
        stream.seek(self._pixels.offset + 2 * word)
        packed = np.frombuffer(stream.read(2 * math.ceil((start + count) / 16)), np.uint8)
        if self._is_big_endian and self._vr == "OW":  # bytes swapped in pairs: PS3.5 Section 8.1.1, Annex A.3
            packed = packed[: len(packed) & ~1].view(np.uint16).byteswap().view(np.uint8)
        bits = np.unpackbits(packed, bitorder="little")[start : start + count]
        return bits.reshape(self.layout.rows, self.layout.columns)

    def _decompressed(self, content: bytes) -> StoredFrame:
        if not content:
            raise UnreadableImage(ENDS_EARLY)
        syntax, layout = self._file.transfer_syntax_uid, self.layout
        header = None if syntax == RLE else codestream_header(content)
        if header is not None:
            content = bare_codestream(content)
            _check_codestream(header, layout)
            if len(content) < header.fewest_bytes:
                raise UnreadableImage(ENDS_EARLY)
        elif syntax != RLE:
            raise UnreadableImage(CANNOT_DECODE)
        note = Sentence("")
        if header is None or is_ended(content, syntax):
            picture = decompress(content, syntax, header, self._decoding_options(1))
        else:
            picture, note = decompress_unended(content, syntax, header, self._decoding_options(1)), NO_END
        unsigned = picture.samples.view(np.dtype(f"u{picture.samples.itemsize}"))
        return StoredFrame(unsigned, picture.photometric, _bits_of(layout, header, unsigned.itemsize), note)

    def _decoding_options(self, frames: int) -> dict[str, Any]:
        """The layout under the names that pydicom uses."""
        layout = self.layout
        return {
            "rows": layout.rows,
            "columns": layout.columns,
            "samples_per_pixel": layout.samples,
            "number_of_frames": frames,
            "photometric_interpretation": layout.photometric,
            "bits_allocated": layout.bits_allocated,
            "bits_stored": layout.bits_stored,
            "pixel_representation": int(layout.signed),
            "planar_configuration": int(layout.planar),
            "pixel_keyword": "PixelData",
        }


def _check_codestream(header: CodestreamHeader, layout: Layout) -> None:
    """Check that the picture inside has the declared size, and that its samples fit into the data set's: gdcm does not,
    and writes beyond the picture's end. JPEG 2000's decoders go by the codestream alone.
    """
    if (header.rows, header.columns, header.samples) != (layout.rows, layout.columns, layout.samples):
        raise UnreadableImage(CONTRADICTION)
    if not 1 < header.precision <= (32 if header.is_jpeg_2000 else layout.bits_allocated):
        raise UnreadableImage(CANNOT_DECODE)


def _bits_of(layout: Layout, header: CodestreamHeader | None, sample_bytes: int) -> SampleBits:
    """Which bits of decompressed samples hold the value: those that the data set calls stored, since others may hold an
    overlay. A codestream of fewer bits than reach up to the high bit holds the stored ones alone.

    JPEG 2000 says itself whether its samples are signed, which the data set does not always repeat.
    """
    precision = 8 * sample_bytes if header is None else min(header.precision, 8 * sample_bytes)
    if header is not None and header.signed and not layout.signed:
        return SampleBits(precision, 0, signed=True)
    shift = layout.high_bit + 1 - layout.bits_stored if precision > layout.high_bit else 0
    return SampleBits(min(layout.bits_stored, precision), shift, layout.signed)
