"""The files of the log of who did what: lines are only ever added, and each is on the disk before it counts.

actions/                          in the state directory
  actions-0000000001.jsonl        from the line with this number on; a new file begins when one is full
  actions-0000003211.jsonl
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from leapfrog.durable import fsync_directory
from leapfrog.errors import StorageError
from leapfrog.state.actions.line import (
    FIRST_HASH,
    LONGEST_LINE_BYTES,
    REPAIRED,
    SHORTENED,
    STARTED,
    ActionLine,
    hash_of,
    line_in,
)
from leapfrog.state.actions.who import Who
from leapfrog.state.station.station_key import own_as

ACTIONS_NAME = "actions"  # in the state directory
FILE_BYTES = 1024 * 1024  # after which another file begins: some 5,000 lines
MOST_FILES = 32  # with 400 actions a day, a year
FOLDER_MODE, FILE_MODE = 0o750, 0o640
LOCK_SECONDS = 10.0  # how long to wait for somebody else who writes
LOCK_PAUSE_SECONDS = 0.02


class ActionFiles:
    """The log of one state directory. Several processes and threads may add to it at once."""

    def __init__(self, state_dir: Path, file_bytes: int = FILE_BYTES, most_files: int = MOST_FILES) -> None:
        """Nothing is created until `add`."""
        self._state_dir = state_dir
        self._folder = state_dir / ACTIONS_NAME
        self._file_bytes = file_bytes
        self._most_files = most_files

    def add(self, said: ActionLine) -> ActionLine:
        """Write `said` after all lines that are there, durably. Returns it as it was written: with its place in the
        chain. Raises StorageError, and then the log holds no whole line of it.
        """
        try:
            with self._locked():
                files = self.files()
                tail = _Tail(files)
                if tail.torn is not None:
                    self._repair(files[-1], tail, said.who)
                elif not tail.sequence:
                    self._write(self._file_from(1), tail, _of_the_log(STARTED, said.who))
                elif files[-1].stat().st_size >= self._file_bytes:
                    self._shorten(files, tail, said.who)
                return self._write(self._current(tail), tail, said)
        except OSError as problem:
            raise StorageError(
                f"The log of who did what cannot be written in {self._folder}: {problem.strerror or problem}."
            ) from problem

    def files(self) -> list[Path]:
        """Those that there are, oldest first. Raises OSError when the folder may not be read."""
        try:
            return sorted(self._folder.glob("actions-*.jsonl"))
        except FileNotFoundError:
            return []

    def newest(self) -> tuple[int, str]:
        """The number of the last line, and its hash; 0 where there is none. Raises OSError."""
        tail = _Tail(self.files())
        return tail.sequence, tail.hash

    def _current(self, tail: "_Tail") -> Path:
        """The file that the next line goes to."""
        files = self.files()
        full = not files or files[-1].stat().st_size >= self._file_bytes
        return self._file_from(tail.sequence + 1) if full else files[-1]

    def _file_from(self, sequence: int) -> Path:
        path = self._folder / f"actions-{sequence:010d}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
        os.close(descriptor)
        own_as(path, self._state_dir)
        fsync_directory(self._folder)
        return path

    def _repair(self, file: Path, tail: "_Tail", who: Who) -> None:
        """End a line that a power cut tore, and say so in the next: what was never answered stays to be seen."""
        _append(file, b"\n")
        said = _of_the_log(REPAIRED, who, f"A line of {len(tail.torn or b'')} bytes was torn, by a power cut or so.")
        if (whole := line_in(tail.torn or b"")) is not None:  # only its end was missing
            tail.sequence = whole.sequence
        tail.hash, tail.torn = hash_of(tail.torn or b""), None
        self._write(file, tail, said)

    def _shorten(self, files: list[Path], tail: "_Tail", who: Who) -> None:
        """Let the oldest files go where there would be too many. That is said first, where it counts."""
        going = files[: max(0, len(files) + 1 - self._most_files)]
        if not going:
            return
        kept = files[len(going)]
        said = _of_the_log(SHORTENED, who, f"Actions before {first_of(kept)} were let go, to make room.")
        self._write(self._current(tail), tail, said)
        for file in going:
            file.unlink(missing_ok=True)
        fsync_directory(self._folder)

    def _write(self, file: Path, tail: "_Tail", said: ActionLine) -> ActionLine:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = said.model_copy(update={"sequence": tail.sequence + 1, "at": at, "before": tail.hash})
        raw = line.as_bytes()
        _append(file, raw + b"\n")
        tail.sequence, tail.hash = line.sequence, hash_of(raw)
        return line

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """While one writes, nobody else does. Raises OSError, TimeoutError when somebody holds on to it."""
        if not self._folder.is_dir():
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            own_as(self._folder, self._state_dir)
            fsync_directory(self._state_dir)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _has_locked(descriptor):
                if time.monotonic() > deadline:
                    raise TimeoutError("another process holds on to it")
                time.sleep(LOCK_PAUSE_SECONDS)
            yield
        finally:
            os.close(descriptor)


class _Tail:
    """How the log ends: the number and the hash of its last whole line, and what is torn after it."""

    def __init__(self, files: list[Path]) -> None:
        """Read it. Raises OSError."""
        self.sequence, self.hash = 0, FIRST_HASH
        self.torn: bytes | None = None
        for file in reversed(files):
            raw = _end_of(file)
            *whole, rest = raw.split(b"\n")
            if rest:
                self.torn = rest
            if whole:
                self.hash = hash_of(whole[-1])
                self.sequence = _sequence_at(whole, first_of(file))
            if raw:
                break


def _sequence_at(lines: list[bytes], first: int) -> int:
    """The number of the last of `lines`: of the last one that says one, where others are damaged."""
    for back, raw in enumerate(reversed(lines)):
        if (line := line_in(raw)) is not None:
            return line.sequence + back
    return first


def _end_of(file: Path) -> bytes:
    """The last whole lines of a file, and what comes after them."""
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 4 * LONGEST_LINE_BYTES))
        raw = stream.read()
    return raw if size <= len(raw) else raw.partition(b"\n")[2]


def first_of(file: Path) -> int:
    """The number of the first line of a file, by its name; 0 where it says none."""
    with suppress(ValueError):
        return int(file.stem.removeprefix("actions-"))
    return 0


def _of_the_log(action: str, who: Who, detail: str = "") -> ActionLine:
    return ActionLine(sequence=0, at="", who=who, action=action, outcome="done", detail=detail, before="")


def _has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _append(file: Path, raw: bytes) -> None:
    """Add `raw` to the end, durably. Raises OSError; then a part of it may be there, which is torn."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        if os.write(descriptor, raw) != len(raw):
            raise OSError(28, "No space left on device")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
