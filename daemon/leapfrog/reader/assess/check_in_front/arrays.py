"""Reads the arrays of `quality.npz`, which somebody else made: a few kilobytes of it can state, or unpack to, more than
the memory of the box.
"""

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST_FILE_BYTES = 16 * 1024 * 1024  # those that ship have 250 kB
LARGEST_ARRAYS_BYTES = 64 * 1024 * 1024  # of all arrays together, unpacked
MOST_ARRAYS = 64
LONGEST_HEADER_BYTES = 1024  # of an array's shape and type, which NumPy has Python's parser read


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays in the file `path` by their names. Raises ValueError when it has more, larger or other ones than a
    check in front has, OSError or BadZipFile when it cannot be read.
    """
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise ValueError(f"it has more than {LARGEST_FILE_BYTES} bytes")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MOST_ARRAYS:
            raise ValueError(f"it has more than {MOST_ARRAYS} arrays")
        if sum(member.file_size for member in members) > LARGEST_ARRAYS_BYTES:
            raise ValueError(f"it unpacks to more than {LARGEST_ARRAYS_BYTES} bytes")
        return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """One array, whose memory is not taken before its size was compared with its bytes (NEP 1)."""
    with archive.open(member) as packed:
        stream = io.BytesIO(packed.read(member.file_size))
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array in it is of format {version}")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream, max_header_size=LONGEST_HEADER_BYTES)
    elements, byte_count = math.prod(shape), len(stream.getbuffer()) - stream.tell()
    if dtype.hasobject or elements > byte_count or elements * dtype.itemsize != byte_count:
        raise ValueError("an array in it is not of the size that it states")
    stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False, max_header_size=LONGEST_HEADER_BYTES)
    return array
