"""A bundle that is being fetched: as much of it as is here, and of which file at the district it is a part.

bundles/fetching/part        in the state directory
bundles/fetching/note.json
"""

import os
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from leapfrog import __version__
from leapfrog.bundle_state import bundles_folder, make_folder
from leapfrog.durable import write_durably

FETCHING_NAME = "fetching"
LARGEST_NOTE_BYTES = 8192


class Note(BaseModel):
    """`url` is where it comes from. `version`: the ETag of the file that the part is of, "" where there is none;
    `done`: of the last file that needs no fetching any more, be it taken or refused, by the version `leapfrog`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str = ""
    leapfrog: str = ""
    version: str = ""
    done: str = ""


class PartFile:
    """For one thread. Every method raises OSError when the disk fails."""

    def __init__(self, state_dir: Path, url: str) -> None:
        """What is here of another address is of no use. Nor is what another version of Leapfrog has refused: this one
        may be able to use it.
        """
        self._bundles = bundles_folder(state_dir)
        self._folder = self._bundles / FETCHING_NAME
        self.path = self._folder / "part"
        self._note_path = self._folder / "note.json"
        self._url = url

    def note(self) -> Note:
        """What is known; nothing where that cannot be read."""
        with suppress(OSError, ValueError, ValidationError):
            with self._note_path.open("rb") as file:
                note = Note.model_validate_json(file.read(LARGEST_NOTE_BYTES))
            if (note.url, note.leapfrog) == (self._url, __version__):
                return note
        return self._note()

    def _note(self, version: str = "", done: str = "") -> Note:
        return Note(url=self._url, leapfrog=__version__, version=version, done=done)

    def put(self, note: Note) -> None:
        """Keep a note."""
        make_folder(self._bundles)
        make_folder(self._folder)
        write_durably(self._note_path, note.model_dump_json().encode())

    def byte_count(self) -> int:
        """How much is here."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def beginning(self, byte_count: int) -> bytes:
        """The first bytes."""
        with self.path.open("rb") as file:
            return file.read(byte_count)

    def add(self, at: int, content: bytes) -> None:
        """Write `content` at that place, durably; what is behind it goes."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.truncate(at)
            file.seek(at)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def begin_anew(self, version: str, done: str) -> Note:
        """Forget what is here; from now on it is a part of the file `version`."""
        self.path.unlink(missing_ok=True)
        note = self._note(version, done)
        self.put(note)
        return note
