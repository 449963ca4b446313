"""The content of a spool file, checked against its digest: what a disk gives back need not be what it was given."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from leapfrog.errors import StorageError
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.digest import CHUNK_BYTES, digest_of, new_digest

FileProblem = Literal["missing", "damaged"]

DAMAGED = (
    "The spool file {name} is damaged: its bytes are no longer those that were stored. If it is an image, send it again"
    " from the machine that made it: that repairs it. Then have the disk of the state directory checked."
)
CANNOT_BE_READ = (
    "The spool file {name} cannot be read: {reason}. If it is an image, send it again from the machine that made it:"
    " that repairs it. Then have the disk of the state directory checked."
)


def file_problem(path: Path, byte_count: int, digest: str) -> FileProblem | None:
    """What is wrong with the spool file `path`, whose first `byte_count` bytes should have that digest; None if nothing
    is. Reads all of it. Without a digest, only whether that many bytes are there is known.
    """
    try:
        if not digest:
            with open_content(path, byte_count) as stream:
                return None if stream.seek(0, 2) >= byte_count else "damaged"
        with open_content(path, byte_count) as stream:
            return None if digest_of(stream, digest) == digest else "damaged"
    except FileNotFoundError:
        return "missing"
    except OSError:  # a bad sector
        return "damaged"


def checked_chunks(path: Path, start: int, byte_count: int, digest: str, chunk_bytes: int) -> Iterator[bytes]:
    """Bytes `start` to `byte_count` of the spool file `path`, in chunks. The last one comes only after all of the first
    `byte_count` bytes were found to have the digest `digest`, unless that is "": so nobody who waits for the end takes
    damaged bytes for whole ones.

    Raises StorageError when they have another, or cannot be read.
    """
    found = new_digest(digest)
    held_back = b""
    try:
        with open_content(path, byte_count) as stream:
            while (remaining := start - stream.tell()) > 0 and (skipped := stream.read(min(remaining, CHUNK_BYTES))):
                found.update(skipped)
            while chunk := stream.read(chunk_bytes):
                if held_back:
                    yield held_back
                found.update(chunk)
                held_back = chunk
            is_whole = stream.tell() == byte_count
    except OSError as problem:
        raise StorageError(CANNOT_BE_READ.format(name=path.name, reason=problem.strerror)) from problem
    if not is_whole or (digest and found.hexdigest() != digest):
        raise StorageError(DAMAGED.format(name=path.name))
    yield held_back
