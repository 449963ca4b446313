"""CONTENTS.TXT: which files of a medium are ours, of which exam, and with what in them. By it a copy is made again in
the place of an older one, and nothing else is ever removed. What stands in one on a stick is a stranger's word.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from leapfrog.processes.copy_messages import FILE_ID
from leapfrog.spool_file.content import open_content

NAME = "CONTENTS.TXT"
LONGEST_BYTES = 8 << 20  # some 80,000 files
FIRST_LINE = "Copy of an exam, made by Leapfrog, format 1"
# Names of at most 8 letters and 3 more, in capitals: PS3.10 Section 8.5, and what every file system takes.
OUR_FILES = re.compile(
    rf"DICOMDIR|REPORT\.PDF|README\.TXT|{FILE_ID}|OTHERS/OT[0-9]{{6}}|PICTURES/PICT[0-9]{{4}}\.JPG", re.ASCII
)
LINE = re.compile(r"([0-9a-f]{64}) ([0-9]{1,15}) ([A-Z0-9./]{1,40})", re.ASCII)


@dataclass(frozen=True)
class CopiedFile:
    """A file of the copy: its path below the root, its size and SHA-256."""

    path: str
    byte_count: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Which exam was copied, by its number and by the key that only its box knows it by; when; and the files."""

    exam_number: str
    study_key: str
    copied_at: str
    files: tuple[CopiedFile, ...]

    def written(self) -> bytes:
        """The file."""
        head = (FIRST_LINE, f"exam {self.exam_number}", f"key {self.study_key}", f"copied {self.copied_at}", "")
        lines = (f"{one.sha256} {one.byte_count} {one.path}" for one in self.files)
        return "".join(f"{line}\r\n" for line in (*head, *lines)).encode("ascii", "replace")


def read_manifest(root: Path) -> Manifest | None:
    """That of the medium at `root`; None where there is none, or none of ours. Raises OSError."""
    try:
        with open_content(root / NAME, LONGEST_BYTES) as stream:
            lines = stream.read().decode("ascii", "replace").split("\r\n")
    except FileNotFoundError:
        return None
    if len(lines) < 5 or lines[0] != FIRST_LINE:
        return None
    exam, key, copied = (line.partition(" ")[2][:64] for line in lines[1:4])
    found = [match for match in map(LINE.fullmatch, lines[5:]) if match and OUR_FILES.fullmatch(match[3])]
    return Manifest(exam, key, copied, tuple(CopiedFile(one[3], int(one[2]), one[1]) for one in found))
