"""The body of a STOW-RS request (PS3.18 section 10.5): one instance, streamed from disk and never wholly in memory."""

import secrets
import time
from collections.abc import Callable, Iterator

from leapfrog.dicom.part10 import Part10Source

# Small enough that even a link of a few hundred bytes per second accepts a chunk within the timeout of one send.
CHUNK_BYTES = 16_384
# With a rate limit, this many chunks are sent per second: a steady trickle instead of bursts.
CHUNKS_PER_SECOND = 10
SMALLEST_CHUNK_BYTES = 512


class Throttle:
    """Limits the bytes per second that are sent, over all requests together."""

    def __init__(
        self,
        bytes_per_second: int,
        wait: Callable[[float], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """0 means no limit. `wait` sleeps for the given seconds, or less when the box is stopping."""
        self._bytes_per_second = bytes_per_second
        self._wait = wait
        self._monotonic = monotonic
        self._free_at = monotonic()

    @property
    def chunk_bytes(self) -> int:
        """The size of the chunks to send."""
        if not self._bytes_per_second:
            return CHUNK_BYTES
        return max(SMALLEST_CHUNK_BYTES, min(CHUNK_BYTES, self._bytes_per_second // CHUNKS_PER_SECOND))

    def take(self, byte_count: int) -> None:
        """Wait until `byte_count` more may be sent."""
        if not self._bytes_per_second:
            return
        now = self._monotonic()
        if self._free_at > now:
            self._wait(self._free_at - now)
        self._free_at = max(self._free_at, now) + byte_count / self._bytes_per_second


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


class MultipartBody:
    """A request body with one part. Its length is known, and each attempt iterates over it once.

    Iterating raises StorageError before the end when the file cannot be read or its bytes are damaged. That must not
    look like a network failure.
    """

    def __init__(self, source: Part10Source, throttle: Throttle, progress: Callable[[], None]) -> None:
        """`progress` is called before each chunk. An exception that it raises ends the transfer."""
        boundary = secrets.token_hex(16)
        self.content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        self._source = source
        self._throttle = throttle
        self._progress = progress
        self._head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + source.head
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._head) + self._source.file_bytes + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield from self._paced(self._head)
        for chunk in self._source.file_chunks(self._throttle.chunk_bytes):
            yield from self._paced(chunk)
        yield from self._paced(self._tail)

    def _paced(self, chunk: bytes) -> Iterator[bytes]:
        self._throttle.take(len(chunk))
        self._progress()
        yield chunk
