"""Whether a file is all there, and how long it must have stayed the same until that counts as proven.

A copy may reserve the whole size first: then the half looks like a whole file with zeros behind what has come. Zeros at
the end prove nothing either way, since a film may end in black. So they lengthen the wait.
"""

import errno
import math
import os
import zlib
from enum import Enum
from typing import BinaryIO

from leapfrog.dicom.part10 import DatasetStart, find_dataset
from leapfrog.dicom.uids import DEFLATED_SYNTAXES, NATIVE
from leapfrog.exam import Frozen
from leapfrog.intake.folder.file_kind import FileKind
from leapfrog.intake.folder.holders import Holders
from leapfrog.intake.folder.picture_structure import Structure, picture_structure
from leapfrog.intake.instance_header import is_whole

# Fewer zeros than this end many files: the padding of a value, a dark pixel, the length of an item delimiter (PS3.5
# 7.5.2). Of 70 DICOM files of others, none that ends in fewer than 8 lacks anything.
ZERO_TAIL_BYTES = 8
ZERO_RUN_BYTES = 4096  # within compressed pixels, where so many zeros are next to impossible
CHUNK_BYTES = 1 << 20
LARGEST_INFLATED_BYTES = 256 << 20  # 306 KB were seen to unpack to 649 MiB

UNFINISHED_SETTLES = 30  # a truncated file is taken after so many times settle_seconds, so that a reader reports it
ZEROS_REST_SECONDS = 60.0
UNSEEN_REST_SECONDS = 300.0


class End(Enum):
    """How a file ends."""

    WHOLE = "all is there"
    ZEROS = "all may be there, or part of it is zeros that were reserved for what is still to come"
    UNFINISHED = "it ends early"


class Rests(Frozen):
    """How long, in seconds, a file must have stayed the same before it is taken: `settle` any file, `unfinished` one
    that ends early, `zeros` one with zeros where something may still be missing, and `unseen` the last two where nobody
    can tell whether a program still has the file open.
    """

    settle: float
    unfinished: float
    zeros: float = ZEROS_REST_SECONDS
    unseen: float = UNSEEN_REST_SECONDS

    @classmethod
    def after(cls, settle_seconds: float) -> "Rests":
        """Those that go with the setting `folder.settle_seconds`."""
        return cls(settle=settle_seconds, unfinished=UNFINISHED_SETTLES * settle_seconds)

    def needed(self, end: End, holders: Holders) -> float:
        """How long a file that ends so must have rested; for ever while somebody can still write to it."""
        if holders is Holders.SOMEBODY:
            return math.inf
        unseen = self.unseen if holders is Holders.UNSEEN else 0.0
        match end:
            case End.WHOLE:
                return self.settle
            case End.ZEROS:
                return max(self.settle, self.zeros, unseen)
            case End.UNFINISHED:
                return max(self.settle, self.unfinished, self.zeros, unseen)


def end_of(stream: BinaryIO, kind: FileKind) -> End:
    """How the file `stream` ends. Raises nothing but OSError."""
    size = stream.seek(0, 2)
    structure = _structure(stream, kind) if size else Structure(whole=False)
    if not structure.whole:
        return End.UNFINISHED
    if structure.all_proven:
        return End.WHOLE
    doubtful = (
        (not structure.end_proven and _ends_in_zeros(stream, size))
        or _has_hole(stream, size)
        or (structure.compressed and _has_zero_run(stream))
    )
    return End.ZEROS if doubtful else End.WHOLE


def _structure(stream: BinaryIO, kind: FileKind) -> Structure:
    if kind is not FileKind.DICOM:
        return picture_structure(stream)
    stream.seek(0)
    start = find_dataset(stream)
    if start.transfer_syntax_uid in DEFLATED_SYNTAXES:
        whole = _inflates(stream, start)
        return Structure(whole, end_proven=whole, compressed=True)
    return Structure(is_whole(stream), compressed=start.transfer_syntax_uid not in NATIVE)


def _inflates(stream: BinaryIO, start: DatasetStart) -> bool:
    """Whether the deflated data set (RFC 1951) reaches its last block. Its content is thrown away."""
    stream.seek(start.offset)
    inflater, inflated = zlib.decompressobj(-zlib.MAX_WBITS), 0
    content = b""
    try:
        while not inflater.eof and inflated < LARGEST_INFLATED_BYTES:
            content = content or stream.read(CHUNK_BYTES)
            if not content:
                return False
            inflated += len(inflater.decompress(content, CHUNK_BYTES))
            content = inflater.unconsumed_tail
    except zlib.error:
        return False
    return True


def _ends_in_zeros(stream: BinaryIO, size: int) -> bool:
    if size < ZERO_TAIL_BYTES:
        return False
    stream.seek(size - ZERO_TAIL_BYTES)
    return stream.read(ZERO_TAIL_BYTES) == bytes(ZERO_TAIL_BYTES)


def _has_hole(stream: BinaryIO, size: int) -> bool:
    """Whether the file system knows of a part that was never written (lseek(2)); many do not tell."""
    try:
        return os.lseek(stream.fileno(), 0, os.SEEK_HOLE) < size
    except OSError as problem:
        if problem.errno in (errno.EINVAL, errno.ENOTSUP, errno.ENXIO, errno.ENOSYS):
            return False
        raise
    finally:
        stream.seek(0)


def _has_zero_run(stream: BinaryIO) -> bool:
    stream.seek(0)
    run, overlap = bytes(ZERO_RUN_BYTES), b""
    while content := stream.read(CHUNK_BYTES):
        if run in overlap + content:
            return True
        overlap = content[-ZERO_RUN_BYTES + 1 :]
    return False
