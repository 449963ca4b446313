"""Films that differ, as many as wanted, and quickly."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import PYDICOM_ROOT_UID, generate_uid

from support.exams import PLACEHOLDER, chest_radiograph, write_instances

ROWS, COLUMNS = 320, 256
FILMS_PER_STUDY = 2
MARK = bytes(range(16))  # in the corner of the template; random pixels take its place


@dataclass(frozen=True)
class Film:
    """One made chest film."""

    path: Path
    sop_instance_uid: str


class Films:
    """Makes films into a folder. No two are alike, neither in their UIDs nor in their pixels."""

    def __init__(self, directory: Path) -> None:
        """Nothing is made yet, but a template."""
        self._directory = directory
        self._lock = threading.Lock()
        image = chest_radiograph(ROWS, COLUMNS)
        image.PixelData = MARK + image.PixelData[len(MARK) :]
        (first,) = write_instances(image, directory, 1)
        self._study = str(image.StudyInstanceUID).encode()
        self._template = first.path.read_bytes().replace(first.sop_instance_uid.encode(), PLACEHOLDER.encode())
        self._numbers = iter(range(10**9))
        first.path.unlink()
        self._studies = self._study_uids()

    def _study_uids(self) -> Iterator[str]:
        while True:
            uid = _uid_of_length(len(self._study))
            for _ in range(FILMS_PER_STUDY):
                yield uid

    def new(self, count: int = 1) -> list[Film]:
        """So many new films, two to a study."""
        with self._lock:
            return [self._new() for _ in range(count)]

    def _new(self) -> Film:
        uid, study = _uid_of_length(len(PLACEHOLDER)), next(self._studies)
        pixels = bytes(byte & 0x0F if place % 2 else byte for place, byte in enumerate(os.urandom(len(MARK))))
        content = self._template.replace(PLACEHOLDER.encode(), uid.encode())
        content = content.replace(self._study, study.encode()).replace(MARK, pixels)
        path = self._directory / f"{next(self._numbers):05d}.dcm"
        path.write_bytes(content)
        return Film(path, uid)


def _uid_of_length(length: int) -> str:
    prefix = None if length == len(PLACEHOLDER) else PYDICOM_ROOT_UID
    while len(uid := generate_uid(prefix=prefix)) != length:
        continue
    return str(uid)
