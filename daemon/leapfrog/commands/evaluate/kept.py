"""What a run has read so far, in the result's folder: whoever starts it again goes on from there.

`read.jsonl` has one line for each image. The first says what everything was read with: with another package, another
threshold or another Leapfrog, all is read afresh. An image is known by its bytes and by what was said of it to the
box, so one that was changed is read again.
"""

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from leapfrog.evaluation.labelled import SaidOfImage
from leapfrog.exam import Frozen

READ_NAME = "read.jsonl"
FILE_MODE = 0o600


class KeptImage(Frozen):
    """One line: what was said of the image that `key` knows. `was_wrong`: it was wrong by the labels of then, so that
    its picture was kept if one could be.
    """

    key: str
    said: SaidOfImage
    was_wrong: bool


class Kept:
    """The lines of one run, which are added as images are read."""

    def __init__(self, folder: Path, read_with: Mapping[str, object]) -> None:
        """Go on with what `folder` holds, if it was `read_with` the same. Raises OSError."""
        header = hashlib.sha256(repr(sorted(read_with.items())).encode()).hexdigest()
        self._path = folder / READ_NAME
        self._images = self._lines(header)
        self._lock = threading.Lock()
        partial = self._path.with_suffix(".part")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8")
        self._stream.write(header + "\n")
        for image in self._images.values():  # without a line that was cut short
            self._write(image)
        self._stream.flush()
        partial.replace(self._path)  # further lines go to the same open file

    def _lines(self, header: str) -> dict[str, KeptImage]:
        if not self._path.is_file():
            return {}
        first, *lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
        images: dict[str, KeptImage] = {}
        for line in lines if first == header else ():
            try:
                image = KeptImage.model_validate_json(line)
            except ValidationError:  # the last line, when the run was cut off
                continue
            images[image.key] = image
        return images

    def get(self, key: str) -> KeptImage | None:
        """What was said of the image, if it was read already."""
        return self._images.get(key)

    def pictures(self) -> list[str]:
        """The pictures that its lines name, by file."""
        return [image.said.picture for image in self._images.values() if image.said.picture]

    def add(self, image: KeptImage) -> None:
        """Keep a line; a process that is killed after this has kept it. Any thread may call it. Raises OSError."""
        with self._lock:
            self._images[image.key] = image
            self._write(image)
            self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _write(self, image: KeptImage) -> None:
        self._stream.write(image.model_dump_json() + "\n")
