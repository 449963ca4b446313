"""Files in a watched folder: what kind each is, and whether it is all there."""

from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator
from pydicom.uid import DeflatedExplicitVRLittleEndian

from fuzzing import scratch
from fuzzing.made_up_files import dicom_files, picture_files
from fuzzing.target import Target, require
from leapfrog.dicom.elements import actual_encoding
from leapfrog.dicom.encoding import UNDEFINED_LENGTH
from leapfrog.dicom.part10 import find_dataset
from leapfrog.intake.folder.file_kind import FileKind, kind_of
from leapfrog.intake.folder.wholeness import End, end_of

NAMES = ("film.dcm", "film.png", "film.jpg", "film.tif", "film", "FILM.TIFF", "film.txt", "DICOMDIR")
MOST_PIXELS = 1 << 20
CUTS = 8  # of a whole picture, in as many places
BITS_PER_SAMPLE = 258  # TIFF's tags
STRIPS, STRIP_LENGTHS, TILES, TILE_LENGTHS = 273, 279, 324, 325


def check(content: bytes) -> None:
    """The first byte says under which name the others lie in the folder."""
    name, content = NAMES[(content or b"\0")[0] % len(NAMES)], content[1:]
    kind, end = _seen(content, name)
    if kind is FileKind.DICOM:
        require(end is not End.UNFINISHED or not _pydicom_reads_all(content), "A whole file would be kept waiting.")
        begins = find_dataset(BytesIO(content)).offset
        require(begins <= len(content) or end is End.UNFINISHED, "A file without its data set counts as whole.")
    elif kind is FileKind.PICTURE:
        _check_cuts(content, name)


def _seen(content: bytes, name: str) -> tuple[FileKind, End]:
    with scratch.opened(content) as stream:
        kind = kind_of(stream, name)
        end = end_of(stream, kind)
        require(end is not End.WHOLE or content, "An empty file counts as whole.")
        return kind, end


def _pydicom_reads_all(content: bytes) -> bool:
    """Whether pydicom finds every value of the data set as long as it is said to be, and nothing behind the last. Where
    a length is undefined it searches for the end, whatever the items say: that proves nothing.
    """
    stream = BytesIO(content)
    start = find_dataset(stream)
    if start.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        return False
    encoding = actual_encoding(stream, start.offset, start.transfer_syntax_uid)
    stream.seek(start.offset)
    elements = data_element_generator(stream, not encoding.explicit, encoding.little_endian)
    end = start.offset
    try:
        for element in elements:
            if not isinstance(element, RawDataElement) or element.length == UNDEFINED_LENGTH:
                return False
            if len(element.value or b"") != element.length:
                return False
            end = stream.tell()
        return start.offset < end == len(content)
    except Exception:  # it raises whatever its parts raise
        return False


def _check_cuts(content: bytes, name: str) -> None:
    """Of a picture that is all there, no part may count as whole unless it shows the same."""
    shown = _shown(content)
    if shown is None:
        return
    for cut in range(1, CUTS):
        part = content[: len(content) * cut // CUTS]
        kind, end = _seen(part, name)
        if kind is FileKind.PICTURE and end is End.WHOLE:
            other = _shown(part)
            require(other is not None and np.array_equal(shown, other), "Half a picture counts as whole.")


def _shown(content: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None":
    """The pixels as Pillow sees them; None where it finds the file damaged."""
    try:
        with Image.open(BytesIO(content), formats=("PNG", "JPEG", "TIFF")) as image:
            if image.width * image.height > MOST_PIXELS or not _lengths_are_true(image):
                return None
            return np.asarray(image.convert("RGB"), dtype=np.uint8)
    except Exception:  # it raises whatever its plug-ins raise
        return None


def _lengths_are_true(image: Image.Image) -> bool:
    """Whether the strips or tiles of an uncompressed TIFF are said to be as long as their pixels: Pillow reads on where
    they are not, and nothing else in the file says where it ends.
    """
    if image.format != "TIFF" or image.info.get("compression") != "raw":
        return True
    tags = image.tag_v2  # type: ignore[attr-defined]
    pieces, lengths = (STRIPS, STRIP_LENGTHS) if STRIP_LENGTHS in tags else (TILES, TILE_LENGTHS)
    said = sum(tags.get(lengths, ())[: len(tags.get(pieces, ()))])  # there may be more lengths than pieces
    bits = sum(tags.get(BITS_PER_SAMPLE, (1,)))
    return bool(8 * said >= image.width * image.height * bits)


def seeds() -> dict[str, bytes]:
    """Small DICOM files of each encoding, and pictures of each format, some with another picture within."""
    files = {name: b"\0" + content for name, content in dicom_files().items()}
    return files | {name: b"\4" + content for name, content in picture_files().items()}


TARGET = Target(
    name="wholeness",
    invariant=(
        "Nothing is raised; a DICOM file in which pydicom finds every value whole is not kept waiting; of a picture"
        " that Pillow shows, no part counts as whole unless it shows the same."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.intake.folder", "leapfrog.intake.instance_header", "leapfrog.dicom"),
    seconds=3.0,
    longest_bytes=16384,
)
