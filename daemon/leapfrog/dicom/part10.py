"""A spool file as a DICOM file (PS3.10 section 7): what must be sent before its bytes so that a server can read it.

Old machines leave files in folders without preamble, without file meta information, or without both. They are kept as
they came; the missing part is made here, on the way out.
"""

from dataclasses import dataclass
from pathlib import Path

from leapfrog.dicom.dataset_digest import PREAMBLE_BYTES, PREFIX, find_dataset
from leapfrog.dicom.file_meta import file_meta
from leapfrog.errors import StorageError


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
            has_preamble = stream.read(PREAMBLE_BYTES + len(PREFIX))[PREAMBLE_BYTES:] == PREFIX
            stream.seek(0)
            start = find_dataset(stream)
        size = path.stat().st_size
    except OSError as problem:
        raise StorageError(f"The spool file {path.name} cannot be read: {problem.strerror}.") from problem
    if start.has_meta:
        head = b"" if has_preamble else bytes(PREAMBLE_BYTES) + PREFIX
        return Part10Source(path, head, 0, size)
    head = file_meta(*(uid.encode() for uid in (sop_class_uid, sop_instance_uid, start.transfer_syntax_uid)))
    return Part10Source(path, head, start.offset, size - start.offset)
