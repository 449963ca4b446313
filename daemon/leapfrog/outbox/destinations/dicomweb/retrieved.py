"""The body of an answer to WADO-RS (PS3.18 section 10.4): the one instance that was asked for, in a part of its own."""

from typing import BinaryIO

ANY_TRANSFER_SYNTAX = 'multipart/related; type="application/dicom"; transfer-syntax=*'
MULTIPART_HEAD_BYTES = 4096


def strip_multipart(stream: BinaryIO) -> bool:
    """Leave in `stream` only the DICOM file that its one part is. Returns whether it is such a body."""
    stream.seek(0)
    head = stream.read(MULTIPART_HEAD_BYTES)
    boundary, _, rest = head.partition(b"\r\n")
    before, blank, _ = rest.partition(b"\r\n\r\n")
    if not boundary.startswith(b"--") or not blank:
        return False
    begin = len(boundary) + 2 + len(before) + len(blank)
    tail = b"\r\n" + boundary + b"--"
    size = stream.seek(0, 2)
    stream.seek(max(begin, size - len(tail) - 4))
    end = stream.read().rfind(tail)
    if end < 0:
        return False
    end += max(begin, size - len(tail) - 4)
    _move_to_front(stream, begin, end)
    return True


def _move_to_front(stream: BinaryIO, begin: int, end: int) -> None:
    written = 0
    while begin + written < end:
        stream.seek(begin + written)
        chunk = stream.read(min(1 << 20, end - begin - written))
        stream.seek(written)
        written += stream.write(chunk)
    stream.truncate(written)
