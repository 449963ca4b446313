"""Calls of the system that fail in a box when a test wants it, or at which its daemon is killed.

strace can do the same, but slows every call, counts them by thread, and does not tell one folder from another.
"""

import ctypes
import errno
import mmap
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Self

SOURCE = Path(__file__).with_name("failing_calls.c")
MOST_FOLDERS = 3
KILL_BEFORE, KILL_AFTER = -1, -2  # instead of an errno


class Call(IntEnum):
    """The calls, as `failing_calls.c` numbers them."""

    WRITE = 0
    FSYNC = 1
    FDATASYNC = 2
    RENAME = 3
    UNLINK = 4
    MKDIR = 5
    LINK = 6
    TRUNCATE = 7
    OPEN_FOR_WRITING = 8
    SEND = 9
    LOOK = 10  # whatever asks a folder for something and changes nothing

    @property
    def label(self) -> str:
        """As people write it."""
        return "open for writing" if self is Call.OPEN_FOR_WRITING else self.name.lower()


class _Control(ctypes.Structure):
    _fields_ = (
        ("daemon", ctypes.c_int64),
        ("call", ctypes.c_int64),
        ("folder", ctypes.c_int64),
        ("countdown", ctypes.c_int64),
        ("fault", ctypes.c_int64),
        ("afterwards", ctypes.c_int64),
        ("fired", ctypes.c_int64),
        ("counts", (ctypes.c_int64 * (MOST_FOLDERS + 1)) * len(Call)),
    )


Counts = Mapping[tuple[Call, int], int]
NETWORK = MOST_FOLDERS  # the "folder" of Call.SEND


class FailingCalls:
    """The calls of one box in up to three folders, of which one at a time can be made to fail."""

    def __init__(self, directory: Path, folders: Sequence[Path]) -> None:
        """Build the library into `directory`; needs gcc. A folder is known by its place in `folders`; where one lies in
        another, the inner one comes first.
        """
        if len(folders) > MOST_FOLDERS:
            raise ValueError(f"At most {MOST_FOLDERS} folders are told apart.")
        self._library, self._file = directory / "failing_calls.so", directory / "failing_calls.control"
        self._folders = folders
        command = ["gcc", "-O1", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        with self._file.open("w+b") as stream:
            stream.truncate(ctypes.sizeof(_Control))
            self._memory = mmap.mmap(stream.fileno(), ctypes.sizeof(_Control))
        self._control = _Control.from_buffer(self._memory)

    @staticmethod
    def possible() -> bool:
        """Whether this machine has what builds the library."""
        return shutil.which("gcc") is not None

    @property
    def environment(self) -> Mapping[str, str]:
        """What the daemon must be given. The next process that gets it counts as the daemon, which is killed."""
        self._control.daemon = 0
        return {
            "LD_PRELOAD": str(self._library),
            "FAILING_CALLS_CONTROL": str(self._file),
            "FAILING_CALLS_FOLDERS": ":".join(str(folder.absolute()) for folder in self._folders),
        }

    def counts(self) -> Counts:
        """How many calls there have been, by kind and folder."""
        return {
            (call, folder): int(self._control.counts[call][folder])
            for call in Call
            for folder in range(MOST_FOLDERS + 1)
            if self._control.counts[call][folder]
        }

    def arm(self, call: Call, folder: int, number: int, fault: int, afterwards: int = 0) -> None:
        """The `number`th of the calls from now on fails with the errno `fault`, or the daemon is killed before or after
        it. `afterwards` is what every later call in that folder meets, until `disarm`.
        """
        if number < 1:
            raise ValueError("The first call from now on is number 1.")
        self.disarm()
        self._control.call, self._control.folder = call, folder
        self._control.fault, self._control.afterwards = fault, afterwards
        self._control.countdown = number

    def fail_all(self, folder: int, error: int) -> None:
        """From now on every call in that folder fails with `error`, until `disarm`; one that only looks, too."""
        self.disarm()
        self._control.folder, self._control.afterwards, self._control.fired = folder, error, 1

    def disarm(self) -> None:
        """All calls are as they should be."""
        self._control.countdown = self._control.afterwards = self._control.fired = 0

    @property
    def fired(self) -> bool:
        """Whether the fault was met since it was armed."""
        return bool(self._control.fired)

    def close(self) -> None:
        """Let go of the file."""
        del self._control
        self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def name_of(fault: int) -> str:
    """Such as ENOSPC."""
    return {KILL_BEFORE: "killed before", KILL_AFTER: "killed after"}.get(fault) or errno.errorcode[fault]
