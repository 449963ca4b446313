"""A DICOM file, opened as far as its pixels: the data set before them, and where in the file they lie.

The pixels stay on disk, so that a cine loop of 500 MB costs no more memory than one of its frames.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from leapfrog.dicom.dataset_digest import find_dataset
from leapfrog.errors import UnreadableImage
from leapfrog.reader.image.attributes import lenient_parsing

DEFLATED = "1.2.840.10008.1.2.1.99"
FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS = 0x7FE00008, 0x7FE00009, 0x7FE00010
UNDEFINED_LENGTH = 0xFFFFFFFF
LAST_IDENTIFYING_GROUP = 0x0020
DEFERRED_BYTES = 1 << 20  # larger elements before the pixels stay on disk; the largest palette takes 128 KiB

ENDS_EARLY = "The file is damaged: the picture ends early. Send it again from the machine that made it."
ENDS_BEFORE_PICTURE = "The file is damaged: it ends early. Send it again from the machine that made it."
CANNOT_BE_READ = "The file is damaged: it cannot be read as DICOM. Send it again from the machine that made it."
NOT_DICOM = "This is not a DICOM file."
DEFLATED_REFUSED = (
    "The file is compressed in a way (Deflated) that this box does not accept. Set the machine that made it to send"
    " uncompressed pictures, and send it again."
)


@dataclass(frozen=True)
class PixelElement:
    """Where the pixels lie: `length` bytes from `offset` on; None when they come in items (PS3.5 Annex A.4)."""

    tag: int
    representation: str
    offset: int
    length: int | None


@dataclass(frozen=True)
class DicomFile:
    """An opened file: `dataset` holds what comes before the pixels; `byte_count` is the file's size.

    `damage` is a sentence for staff when the file cannot be read to its end; then `dataset` holds what could be
    saved, so that the report can still name the patient.
    """

    path: Path
    transfer_syntax_uid: str
    dataset: Dataset
    pixels: PixelElement | None
    byte_count: int
    damage: str = ""


class _Scan:
    """Told of each top-level element before its value is read; stops at the pixels and where the file ends early."""

    def __init__(self, stream: BinaryIO, byte_count: int) -> None:
        self._stream = stream
        self._byte_count = byte_count
        self.pixels: PixelElement | None = None
        self.damage = ""

    def stop_when(self, tag: BaseTag, representation: str | None, length: int) -> bool:
        """pydicom's question whether to stop before this element."""
        offset = self._stream.tell()
        if tag in (FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS):
            known_length = None if length == UNDEFINED_LENGTH else length
            self.pixels = PixelElement(int(tag), representation or "", offset, known_length)
        if length != UNDEFINED_LENGTH and offset + length > self._byte_count:
            self.damage = ENDS_EARLY if self.pixels else ENDS_BEFORE_PICTURE
        return bool(self.damage) or self.pixels is not None


def open_dicom_file(path: Path) -> DicomFile:
    """Parse `path`, with or without preamble and meta information, as far as the pixels.

    A file that is not DICOM or is damaged says so in `damage`. A Deflated one does too: it is refused without
    inflating, since 306 KB have been seen to become 649 MiB. Raises OSError when the disk fails.
    """
    with path.open("rb") as stream:
        byte_count = os.fstat(stream.fileno()).st_size
        start = find_dataset(stream)
        if start.transfer_syntax_uid == DEFLATED:
            return DicomFile(path, DEFLATED, Dataset(), None, byte_count, DEFLATED_REFUSED)
        scan = _Scan(stream, byte_count)
        try:
            dataset = _parse(stream, scan.stop_when)
            damage = scan.damage
        except UnreadableImage as error:
            dataset, damage = _saved_part(stream), str(error)
    if not _looks_like_dicom(dataset, start.has_meta):
        damage = NOT_DICOM
    return DicomFile(path, start.transfer_syntax_uid, dataset, scan.pixels, byte_count, damage)


def _parse(stream: BinaryIO, stop_when: Callable[[BaseTag, str | None, int], bool]) -> Dataset:
    stream.seek(0)
    try:
        with lenient_parsing():
            return read_partial(stream, stop_when=stop_when, defer_size=DEFERRED_BYTES, force=True)
    except OSError as error:
        if error.errno is not None:
            raise
        raise UnreadableImage(ENDS_BEFORE_PICTURE) from error  # pydicom's own, for a sequence cut off by the file's end
    except Exception as error:  # RecursionError for 300 nested sequences, MemoryError, struct.error and many others
        raise UnreadableImage(CANNOT_BE_READ) from error


def _saved_part(stream: BinaryIO) -> Dataset:
    """The groups that say whose picture it is, which come first; nothing when not even they can be parsed."""
    try:
        return _parse(stream, lambda tag, _representation, _length: tag.group > LAST_IDENTIFYING_GROUP)
    except UnreadableImage:
        return Dataset()


def _looks_like_dicom(dataset: Dataset, has_meta: bool) -> bool:
    """Forced parsing makes something of any bytes; a data set has a known element of group 0008 or a picture."""
    return has_meta or "SOPClassUID" in dataset or "SOPInstanceUID" in dataset or "Rows" in dataset
