"""The body of a STOW-RS request (PS3.18 section 10.5): one instance, streamed from disk and never wholly in memory."""

import secrets
from collections.abc import Callable, Iterator

from leapfrog.dicom.part10 import Part10Source
from leapfrog.outbox.throttle import Throttle


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
