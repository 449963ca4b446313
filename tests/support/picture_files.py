"""The smallest complete picture files."""

import struct
import zlib


def png(pixels: bytes = b"\x01\x02\x03\x04") -> bytes:
    """A gray PNG of one row."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + checksum

    header = struct.pack(">IIBBBBB", len(pixels), 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" + pixels))
        + chunk(b"IEND", b"")
    )


def tiff(pixels: bytes = b"\x01\x02\x03\x04", *, big: bool = False, directory_last: bool = True) -> bytes:
    """A gray TIFF of one strip, its directory behind the pixels or before them."""
    head_bytes, entry, count = (16, "<HHQQ", "<Q") if big else (8, "<HHII", "<H")
    tags = {256: (3, len(pixels)), 257: (3, 1), 258: (3, 8), 259: (3, 1), 262: (3, 1), 273: (4, 0), 278: (3, 1)}
    directory_bytes = struct.calcsize(count) + (len(tags) + 1) * struct.calcsize(entry) + (8 if big else 4)
    directory_at = head_bytes + len(pixels) if directory_last else head_bytes
    tags |= {273: (4, head_bytes if directory_last else head_bytes + directory_bytes), 279: (4, len(pixels))}
    directory = struct.pack(count, len(tags))
    directory += b"".join(struct.pack(entry, tag, kind, 1, value) for tag, (kind, value) in sorted(tags.items()))
    directory += bytes(8 if big else 4)
    head = (
        struct.pack("<2sHHHQ", b"II", 43, 8, 0, directory_at) if big else struct.pack("<2sHI", b"II", 42, directory_at)
    )
    return head + (pixels + directory if directory_last else directory + pixels)


PNG = png()
JPEG = b"\xff\xd8\xff\xe0\x00\x2a" + bytes(range(1, 41)) + b"\xff\xd9"
TIFF = tiff(directory_last=False)
