"""What kind of file lies in a watched folder: decided by its content, and by its name only where that is not enough."""

import struct
from enum import Enum
from pathlib import PurePath
from typing import BinaryIO

from leapfrog.dicom.part10 import PREAMBLE_BYTES, PREFIX, find_dataset
from leapfrog.intake.folder.picture_structure import JPEG_MAGIC, PNG_MAGIC, TIFF_MAGICS

MEDIA_STORAGE_DIRECTORY_STORAGE = "1.2.840.10008.1.3.10"

# A file with one of these suffixes whose content is not recognised is damaged. It is taken all the same, so that a
# reader reports the damage where staff see it.
DICOM_SUFFIXES = frozenset((".dcm", ".dicom", ".dic"))
PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff"))

TEMPORARY_SUFFIXES = frozenset((".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".swp"))

# A file without a preamble begins with one of the first elements of group 0008, or with group 0002.
LAST_LIKELY_ELEMENT = 0x0070
LONGEST_LIKELY_VALUE_BYTES = 1024


class FileKind(Enum):
    """Decides what is done with a file."""

    DICOM = "DICOM"
    PICTURE = "a picture"
    DICOM_DIRECTORY = "the table of contents of a DICOM medium"
    OTHER = "neither DICOM nor a PNG, JPEG or TIFF picture"


READ_KINDS = frozenset((FileKind.DICOM, FileKind.PICTURE))  # files of any other kind are left alone


def has_temporary_name(name: str) -> bool:
    """Whether `name` looks like a file that is still being written, or one that is hidden on purpose."""
    # Asked for each of perhaps 100,000 files at every scan, and several times faster than pathlib.
    suffix = name[name.rfind(".") :].lower()
    return name.startswith((".", "~")) or name.endswith("~") or suffix in TEMPORARY_SUFFIXES


def kind_of(stream: BinaryIO, name: str) -> FileKind:
    """The kind of the file `stream`, whose name is `name`. Raises nothing but OSError."""
    stream.seek(0)
    start = stream.read(PREAMBLE_BYTES + len(PREFIX))
    if start.endswith(PREFIX) or _begins_with_element(start):
        stream.seek(0)
        is_directory = find_dataset(stream).sop_class_uid == MEDIA_STORAGE_DIRECTORY_STORAGE
        return FileKind.DICOM_DIRECTORY if is_directory else FileKind.DICOM
    suffix = PurePath(name).suffix.lower()
    if start.startswith((PNG_MAGIC, JPEG_MAGIC, *TIFF_MAGICS)) or suffix in PICTURE_SUFFIXES:
        return FileKind.PICTURE
    return FileKind.DICOM if suffix in DICOM_SUFFIXES else FileKind.OTHER


def _begins_with_element(start: bytes) -> bool:
    if len(start) < 8:
        return False
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    big_endian = explicit and start[:2] == b"\x00\x08"
    group, element = struct.unpack_from(">HH" if big_endian else "<HH", start)
    if group not in (0x0002, 0x0008) or element > LAST_LIKELY_ELEMENT:
        return False
    return explicit or bool(struct.unpack_from("<L", start, 4)[0] <= LONGEST_LIKELY_VALUE_BYTES)
