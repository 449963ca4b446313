"""Copies of image files that are under way, as programs make them."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from support.picture_files import png as small_png
from support.picture_files import tiff
from support.raw_peer import data_set, element

Reserve = Literal["holes", "zeros", "fallocate"]
NOISE = bytes(value | 1 for value in range(256)) * 1200  # without a zero


def meta(transfer_syntax: str) -> bytes:
    """Preamble and file meta information."""
    return bytes(128) + b"DICM" + element(0x00020010, b"UI", transfer_syntax.encode())


def native(pixels: bytes = NOISE, uid: str = "1.2.3") -> bytes:
    return meta("1.2.840.10008.1.2.1") + data_set(uid, pixels=pixels)


def encapsulated(pixels: bytes = NOISE) -> bytes:
    fragments = b"".join(
        struct.pack("<HHL", 0xFFFE, 0xE000, len(part)) + part
        for part in (b"", b"\xff\xd8" + pixels + b"\xff\xd9", b"\xff\xd8" + pixels + b"\xff\xd9")
    )
    start = data_set("1.2.3", pixels=b"")
    head = start[: start.index(b"\xe0\x7f\x10\x00")]
    pixel_data = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    return meta("1.2.840.10008.1.2.4.70") + head + pixel_data + fragments + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def deflated(pixels: bytes = os.urandom(200_000)) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = packer.compress(data_set("1.2.3", pixels=pixels)) + packer.flush()
    return meta("1.2.840.10008.1.2.1.99") + content + bytes(len(content) % 2)


CONTENTS: dict[str, Callable[[], bytes]] = {
    "native.dcm": native,
    "encapsulated.dcm": encapsulated,
    "deflated.dcm": deflated,
    "directory_first.tif": lambda: tiff(NOISE, directory_last=False),
    "directory_last.tif": lambda: tiff(NOISE),
    "big.tif": lambda: tiff(NOISE, big=True),
    "picture.png": lambda: small_png(os.urandom(200_000)),
    "picture.jpg": lambda: b"\xff\xd8\xff\xe0" + NOISE + b"\xff\xd9",
}


class Copy:
    """A copy to `path` that is open until `finish` or `close`. `half` of it is there, the rest is reserved."""

    def __init__(self, path: Path, content: bytes, reserve: Reserve = "holes", *, tail_first: bool = False) -> None:
        self.path = path
        self._content = content
        self._half = len(content) // 2
        self._tail_first = tail_first
        self._stream = path.open("wb", buffering=0)
        match reserve:
            case "holes":
                self._stream.truncate(len(content))
            case "fallocate":
                os.posix_fallocate(self._stream.fileno(), 0, len(content))
            case "zeros":
                self._stream.write(bytes(len(content)))
        self._write(self._half, None) if tail_first else self._write(0, self._half)

    def _write(self, start: int, end: int | None) -> None:
        self._stream.seek(start)
        self._stream.write(self._content[start:end])

    def finish(self) -> None:
        """Write the rest, and close the file."""
        self._write(0, self._half) if self._tail_first else self._write(self._half, None)
        self.close()

    def close(self) -> None:
        """Close the file, as it is."""
        self._stream.close()

    def reopen(self) -> None:
        """Go on after `close`."""
        self._stream = self.path.open("r+b", buffering=0)
