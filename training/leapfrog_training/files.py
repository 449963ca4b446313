"""Files of runs and tables: either complete or absent, even after a power cut."""

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from leapfrog.durable import fsync_file


class KeptAsJson(BaseModel):
    """Values kept in a JSON file; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def write_whole(path: Path, content: bytes) -> None:
    """Replace `path` by `content`; several processes that train together may do so at the same time."""
    own = path.with_name(f"{path.name}.{os.getpid()}.part")
    own.write_bytes(content)
    fsync_file(own)
    own.replace(path)


def save_array(path: Path, values: NDArray[Any]) -> None:
    """Save an array as the .npy file `path`."""
    stream = BytesIO()
    np.save(stream, values)
    write_whole(path, stream.getvalue())


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The content of a compressed .npz file with the arrays, by name."""
    stream = BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()
