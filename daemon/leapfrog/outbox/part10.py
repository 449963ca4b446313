"""A spool file as a DICOM file (PS3.10 section 7): what must be sent before its bytes so that a server can read it.

Old machines leave files in folders without preamble, without file meta information, or without both. They are kept as
they came; the missing part is made here, on the way out. Runs in the main process.
"""

from dataclasses import dataclass
from pathlib import Path

from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    PYDICOM_IMPLEMENTATION_UID,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from leapfrog.errors import StorageError

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
META_GROUP = b"\x02\x00"
MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003
# Preamble, prefix, then the tag and VR of the first element.
PEEK_BYTES = PREAMBLE_BYTES + len(PREFIX) + 8


@dataclass(frozen=True)
class Part10Source:
    """`head`, then the bytes of `path` from `offset` on, `file_bytes` of them, make a whole DICOM file."""

    path: Path
    head: bytes
    offset: int
    file_bytes: int

    @property
    def byte_count(self) -> int:
        """Length of the whole DICOM file."""
        return len(self.head) + self.file_bytes


def part10_source(path: Path, sop_class_uid: str, sop_instance_uid: str) -> Part10Source:
    """How to send the spool file `path`. The UIDs go into the file meta information where the file has none.

    Raises StorageError when the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(PEEK_BYTES)
        size = path.stat().st_size
    except OSError as problem:
        raise StorageError(f"The spool file {path.name} cannot be read: {problem.strerror}.") from problem
    data_offset = PREAMBLE_BYTES + len(PREFIX) if start[PREAMBLE_BYTES:].startswith(PREFIX) else 0
    first_element = start[data_offset : data_offset + 8]
    if first_element.startswith(META_GROUP):
        head = b"" if data_offset else bytes(PREAMBLE_BYTES) + PREFIX
        return Part10Source(path, head, 0, size)
    meta = _file_meta(sop_class_uid, sop_instance_uid, _transfer_syntax(first_element))
    return Part10Source(path, bytes(PREAMBLE_BYTES) + PREFIX + meta, data_offset, size - data_offset)


def _transfer_syntax(first_element: bytes) -> UID:
    """The encoding of a data set that does not name it: a low group number tells the byte order, letters the VR."""
    if first_element[:1] == b"\x00" and first_element[1:2] != b"\x00":
        return ExplicitVRBigEndian
    return ExplicitVRLittleEndian if first_element[4:6].isalpha() else ImplicitVRLittleEndian


def _file_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax: UID) -> bytes:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    for tag, uid in ((MEDIA_STORAGE_SOP_CLASS_UID, sop_class_uid), (MEDIA_STORAGE_SOP_INSTANCE_UID, sop_instance_uid)):
        # Old machines make UIDs that the standard forbids (leading zeros): they go out as they came.
        meta.add(DataElement(tag, "UI", uid, validation_mode=IGNORE))
    meta.TransferSyntaxUID = transfer_syntax
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    written = DicomBytesIO()
    write_file_meta_info(written, meta, enforce_standard=True)
    return written.getvalue()
