"""The digest of a spool file's content: XXH3 of 128 bits, a tenth of the work of SHA-256 even where the processor has
instructions for that.

It tells what a disk did to the bytes. It does not tell two contents apart that somebody made alike on purpose: but who
may send to the box, or write into its spool, needs no such trick. Files that an older Leapfrog took in have a SHA-256,
which is known by its length.
"""

import hashlib
from typing import BinaryIO, Protocol

from xxhash import xxh3_128

CHUNK_BYTES = 1 << 18  # more are no quicker, and memory that is taken and given back each time
SHA256_DIGITS = 64


class Digest(Protocol):
    """What bytes are given to one after the other, and at the end says what they were."""

    def update(self, piece: bytes | memoryview, /) -> None:
        """Take the next bytes in."""

    def hexdigest(self) -> str:
        """The digest of all of them, in hexadecimal."""


def new_digest(known: str = "") -> Digest:
    """A digest of no bytes yet; of the same kind as `known`, to be compared with it."""
    return hashlib.sha256() if len(known) == SHA256_DIGITS else xxh3_128()


def digest_of(stream: BinaryIO, known: str = "") -> str:
    """The digest of everything in `stream`, of the same kind as `known`. Raises OSError."""
    stream.seek(0)
    digest = new_digest(known)
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
