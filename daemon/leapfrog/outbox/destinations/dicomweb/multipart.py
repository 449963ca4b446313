"""The bodies of requests: that of STOW-RS (PS3.18 section 10.5), with one instance or several, streamed from disk and
never wholly in memory; and small ones.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence

from leapfrog.dicom.part10 import Part10Source
from leapfrog.outbox.pacing.pace import Pace

# What is read from disk at a time, and handed to the connection at most.
CHUNK_BYTES = 16_384
CRLF = b"\r\n"


class EmptyBody:
    """A request body without any part: it stores nothing, and shows whether anything would be taken."""

    def __init__(self) -> None:
        """There is nothing to say."""
        self.content_type = 'multipart/related; type="application/dicom"; boundary=nothing'
        self._content = b"--nothing--\r\n"

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


class PlainBody:
    """A request body that is small, and in memory."""

    def __init__(self, content: bytes, content_type: str, pace: Pace) -> None:
        """`pace` says when the next piece goes out."""
        self.content_type = content_type
        self._content = content
        self._pace = pace

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pace.pieces(self._content, lambda: CHUNK_BYTES)


class MultipartBody:
    """A request body with a part for each instance. Its length is known, and each attempt iterates over it once.

    Iterating raises StorageError before the end when a file cannot be read or its bytes are damaged. That must not
    look like a network failure.
    """

    def __init__(
        self, sources: Sequence[Part10Source], pace: Pace, piece_bytes: Callable[[], int] = lambda: CHUNK_BYTES
    ) -> None:
        """`pace` says when the next piece goes out, `piece_bytes` how many bytes the connection takes well."""
        boundary = secrets.token_hex(16)
        self.content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        self._sources = tuple(sources)
        self._pace = pace
        self._piece_bytes = piece_bytes
        self._delimiter = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._end = f"--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        parts = (len(self._delimiter) + source.byte_count + len(CRLF) for source in self._sources)
        return sum(parts) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks():
            yield from self._pace.pieces(chunk, self._piece_bytes)

    def _chunks(self) -> Iterator[bytes]:
        before = b""
        for source in self._sources:
            yield before + self._delimiter + source.head
            yield from source.file_chunks(CHUNK_BYTES)
            before = CRLF
        yield CRLF + self._end
