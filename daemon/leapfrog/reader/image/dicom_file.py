"""A DICOM file, opened up to its pixels: the data set before them, and where in the file they are.

The pixels stay on disk, so a cine loop of 500 MB needs no more memory than one of its frames.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from leapfrog.dicom.elements import DatasetMalformed, DatasetTruncated, Element, actual_encoding, walk
from leapfrog.dicom.part10 import DatasetStart, find_dataset
from leapfrog.dicom.uids import DEFLATED
from leapfrog.errors import UnreadableImage
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.reader.image.attributes import lenient_parsing
from leapfrog.reader.image.character_set import correct_character_set
from leapfrog.spool_file.content import content_byte_count, open_content

FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS = 0x7FE00008, 0x7FE00009, 0x7FE00010
PIXEL_TAGS = frozenset((FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS))
LAST_IDENTIFYING_GROUP = 0x0020
MOST_ELEMENTS = 5_000_000  # before the pixels: functional groups of 20,000 frames take a reader ten seconds
DEFERRED_BYTES = 1 << 20  # larger elements before the pixels stay on disk; the largest palette has 128 KiB

ENDS_EARLY = sentence("The file is damaged: the picture ends early. Send it again from the machine that made it.")
ENDS_BEFORE_PICTURE = sentence("The file is damaged: it ends early. Send it again from the machine that made it.")
CANNOT_BE_READ = sentence(
    "The file is damaged: it cannot be read as DICOM. Send it again from the machine that made it."
)
WHOLE = Sentence("")
NOT_DICOM = sentence("This is not a DICOM file.")
DEFLATED_REFUSED = sentence(
    "The file is compressed in a way (Deflated) that this box does not accept. Set the machine that made it to send"
    " uncompressed pictures, and send it again."
)


@dataclass(frozen=True)
class DicomFile:
    """An opened file: `dataset` holds everything before the element `pixels`, whose length is None if the pixels are in
    items (PS3.5 Annex A.4).

    `damage` is a sentence for staff if the file could not be read to its end. Then `dataset` holds what could be
    recovered, so that the report can still name the patient. `note` is a sentence for staff on how its text was read.
    """

    path: Path
    byte_count: int
    transfer_syntax_uid: str
    dataset: Dataset
    pixels: Element | None
    damage: Sentence = Sentence("")
    note: Sentence = Sentence("")

    def opened(self) -> BinaryIO:
        """The file's content, from its beginning. Raises OSError."""
        return open_content(self.path, self.byte_count, may_wait=True)


def open_dicom_file(path: Path, byte_count: int | None = None, assumed_character_set: str = "") -> DicomFile:
    """Parse the first `byte_count` bytes of `path`, or all, up to the pixels, with or without preamble and meta
    information. Text that does not say rightly how it is encoded may be in `assumed_character_set`.

    `damage` is set for a file that is damaged or not DICOM, and for a Deflated one: that is refused without inflating
    it, since 306 KB were seen to become 649 MiB. Raises OSError if the disk fails.
    """
    with open_content(path, byte_count, may_wait=True) as stream:
        byte_count = content_byte_count(stream)
        start = find_dataset(stream)
        if start.transfer_syntax_uid == DEFLATED:
            return DicomFile(path, byte_count, DEFLATED, Dataset(), None, DEFLATED_REFUSED)
        pixels, end, damage = _find_pixels(stream, start, byte_count)
        try:
            dataset = _parse(stream, lambda _tag: stream.tell() >= end)
        except UnreadableImage as error:
            dataset, damage = _identifying_part(stream), error.sentence
    if not _looks_like_dicom(dataset, start.has_meta):
        damage = NOT_DICOM
    note = correct_character_set(dataset, assumed_character_set)
    return DicomFile(path, byte_count, start.transfer_syntax_uid, dataset, pixels, damage, note)


def _find_pixels(stream: BinaryIO, start: DatasetStart, byte_count: int) -> tuple[Element | None, int, Sentence]:
    """The pixels, where the part before them ends, and why they cannot be read ("" if they can)."""
    end = start.offset
    try:
        encoding = actual_encoding(stream, start.offset, start.transfer_syntax_uid)
        for element in walk(stream, start.offset, encoding, PIXEL_TAGS.__contains__, MOST_ELEMENTS):
            if element.tag in PIXEL_TAGS:
                return element, element.offset, WHOLE  # how much of them is there is seen when the frames are found
            end = element.end
    except DatasetTruncated:
        return None, end + 1, ENDS_BEFORE_PICTURE
    except DatasetMalformed:
        return None, end + 1, CANNOT_BE_READ
    return None, byte_count + 1, WHOLE


def _parse(stream: BinaryIO, stop: Callable[[BaseTag], bool]) -> Dataset:
    stream.seek(0)
    try:
        with lenient_parsing():
            return read_partial(
                stream, stop_when=lambda tag, _vr, _length: stop(tag), defer_size=DEFERRED_BYTES, force=True
            )
    except OSError as error:
        if error.errno is not None:
            raise
        raise UnreadableImage(ENDS_BEFORE_PICTURE) from error  # pydicom's own error for a truncated sequence
    except Exception as error:  # RecursionError for 300 nested sequences, MemoryError, struct.error and many others
        raise UnreadableImage(CANNOT_BE_READ) from error


def _identifying_part(stream: BinaryIO) -> Dataset:
    """The groups that identify the patient, which come first; empty if not even they can be parsed."""
    try:
        return _parse(stream, lambda tag: tag.group > LAST_IDENTIFYING_GROUP)
    except UnreadableImage:
        return Dataset()


def _looks_like_dicom(dataset: Dataset, has_meta: bool) -> bool:
    """Whether it has a known element of group 0008, or a picture: forced parsing makes a data set of any bytes."""
    return has_meta or "SOPClassUID" in dataset or "SOPInstanceUID" in dataset or "Rows" in dataset
