"""The spool: the durable files of received instances and of deliveries, named by our own ids."""

import errno
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from leapfrog.durable import fsync_directory
from leapfrog.errors import DiskFull, StorageError
from leapfrog.spool_file.content import open_file
from leapfrog.spool_file.record import Arrival, append_record, replace_record
from leapfrog.state.shared_fsync import SharedFsync

SPOOL_NAME = "spool"  # in the state directory
INCOMPLETE = "incomplete"  # the end of the name of a file laid aside that never arrived in full
CHUNK_BYTES = 1 << 20
# The errors of a dying or unplugged disk. A full disk (ENOSPC, EDQUOT) refuses a file but is not broken.
DISK_FAILURES = frozenset((errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO))


class Spool:
    """A flat directory of durable files, each with its record. Beside them `incoming/` for files that are still
    arriving and `work/` for readers, `forgotten/` for files that are about to be deleted, and `aside/` for those that
    are kept only for a person to look at.

    All are on the same file system, so that a rename is enough to move a file into the spool or out of it.
    """

    def __init__(self, directory: Path, min_free_bytes: int) -> None:
        """Create the directories if they are missing. Raises StorageError when that fails."""
        self.directory = directory
        self.incoming = directory / "incoming"
        self.work = directory / "work"
        self.forgotten = directory / "forgotten"
        self.aside = directory / "aside"
        self.broken = False  # set when the disk failed: the process must be restarted
        self._min_free_bytes = min_free_bytes
        self._make_names_durable = SharedFsync(directory)
        self._newcomers: set[str] | None = None  # names since `note_newcomers`
        try:
            for path in (directory, self.incoming, self.work, self.forgotten, self.aside):
                path.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as problem:
            raise StorageError(f"The spool {directory} cannot be created: {problem.strerror}.") from problem

    def path(self, name: str) -> Path:
        """The path of the file `name`."""
        return self.directory / name

    def free_bytes(self) -> int:
        """How much an unprivileged process can still write."""
        try:
            usage = os.statvfs(self.directory)
        except FileNotFoundError:  # somebody removed it: the next image ends the process, and a start makes it anew
            usage = os.statvfs(self.directory.parent)
        return usage.f_bavail * usage.f_frsize

    def require_space(self, byte_count: int = 0) -> None:
        """Raise DiskFull when storing `byte_count` more would leave less free space than the settings require."""
        free = self.free_bytes()
        if free - byte_count < self._min_free_bytes:
            raise DiskFull(
                f"The disk of the state directory has {free} bytes free, but {self._min_free_bytes} must stay free"
                " (retention.min_free_bytes): make room on it."
            )

    def adopt(self, source: Path, name: str, record: Arrival) -> Path:
        """Make `source`, a file on the spool's file system, the durable spool file `name`, with its `record`.

        The rename comes first, so that one commit of the file system writes both the bytes and the name; fsync, rename,
        fsync would need two. A power cut in between leaves an incomplete file that no row names, which is laid aside.
        Raises StorageError when the disk fails or is full.
        """
        target = self.path(name)
        try:
            with source.open("r+b") as stream:
                stream.seek(0, os.SEEK_END)
                append_record(stream, record)
                stream.flush()
                self._note_newcomer(name)
                source.rename(target)
                os.fsync(stream.fileno())
            self._make_names_durable()
        except OSError as problem:
            with suppress(OSError):  # a disk that has turned read-only takes no removal either
                target.unlink(missing_ok=True)
            raise self._storage_error(problem) from problem
        return target

    def rewrite_record(self, name: str, record: Arrival) -> None:
        """Give the spool file `name` another record, durably. Raises StorageError when the disk fails or is full."""
        try:
            replace_record(self.path(name), record)
        except OSError as problem:
            raise self._storage_error(problem) from problem

    def replace(self, name: str, fresh: str, record: Arrival) -> None:
        """Put the durable spool file `fresh` in the place of `name`, which is missing or damaged, with that `record`.

        The rename comes first: a power cut in between leaves whole bytes under that name. Raises StorageError when the
        disk fails or is full.
        """
        try:
            self.path(fresh).rename(self.path(name))
            fsync_directory(self.directory)
        except OSError as problem:
            raise self._storage_error(problem) from problem
        self.rewrite_record(name, record)

    def adopt_all(self, sources: Collection[tuple[Path, str]]) -> None:
        """Like `adopt`, for files that a reader has already made durable, records included: renames, then one fsync of
        the directory.
        """
        if not sources:
            return
        try:
            for source, name in sources:
                self._note_newcomer(name)
                source.rename(self.path(name))
            fsync_directory(self.directory)
        except OSError as problem:
            raise self._storage_error(problem) from problem

    def note_failure(self, problem: OSError) -> None:
        """Note that a file in the spool could not be written, whoever wrote it: a failing disk ends the process."""
        if problem.errno in DISK_FAILURES or not self.incoming.is_dir():
            self.broken = True

    def _storage_error(self, problem: OSError) -> StorageError:
        """After a failed fsync nothing that was written can be trusted, even if the next one succeeds."""
        self.note_failure(problem)
        return StorageError(f"A file could not be written to the disk: {problem.strerror}.")

    def remove(self, name: str) -> None:
        """Remove the file `name`, if it exists."""
        self.path(name).unlink(missing_ok=True)

    def work_dir(self, job_id: str) -> Path:
        """A new, empty directory for one reader job."""
        path = self.work / job_id
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o750)
        return path

    def clear_work_dir(self, path: Path) -> None:
        """Remove a job's directory and whatever is left in it."""
        shutil.rmtree(path, ignore_errors=True)

    # ------------------------------------------------------------ forgetting

    def forget(self, names: Collection[str]) -> None:
        """Put files where no start adopts them, durably, before their rows are deleted. Raises StorageError."""
        self._move(names, self.directory, self.forgotten)

    def take_back(self, names: Collection[str]) -> None:
        """Undo `forget`, since their rows stay. Raises StorageError."""
        self._move(names, self.forgotten, self.directory)

    def forgotten_names(self) -> list[str]:
        """The files that are about to be deleted."""
        return [entry.name for entry in os.scandir(self.forgotten)]

    def discard_forgotten(self) -> None:
        """Delete the files that were forgotten; their rows are gone."""
        for name in self.forgotten_names():
            (self.forgotten / name).unlink(missing_ok=True)

    def _move(self, names: Collection[str], source: Path, target: Path) -> None:
        try:
            for name in names:
                if (source / name).exists():
                    (source / name).rename(target / name)
            fsync_directory(target)
            fsync_directory(source)
        except OSError as problem:
            raise self._storage_error(problem) from problem

    # ------------------------------------------------------------ after a start

    def names(self) -> list[str]:
        """Every durable file, whether or not a row names it. Takes half a second for a million."""
        folders = {path.name for path in (self.incoming, self.work, self.forgotten, self.aside)}
        return [name for name in os.listdir(self.directory) if name not in folders]  # noqa: PTH208 - twice as fast

    def note_newcomers(self) -> None:
        """From now on `names_before` knows which files are new. To be called before any thread adopts one."""
        self._newcomers = set()

    def names_before(self) -> list[str]:
        """Like `names`, without the files that were adopted since `note_newcomers`, which need not be noted any more:
        so images can come in while the names of a million are read.
        """
        names = self.names()
        newcomers = self._newcomers or set()
        self._newcomers = None
        return [name for name in names if name not in newcomers]

    def _note_newcomer(self, name: str) -> None:
        """Before the file has that name: whoever lists the names may meet it at once."""
        newcomers = self._newcomers
        if newcomers is not None:
            newcomers.add(name)

    def clear_unfinished(self) -> int:
        """At a start: remove what was still arriving or being made, of which nobody was told that it is kept. Returns
        how many files and folders that were.
        """
        removed = 0
        for path in [*self.incoming.iterdir(), *self.work.iterdir()]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            removed += 1
        return removed

    def lay_aside(self, name: str, why: str) -> None:
        """Put a file that no row names where only a person looks; of its new name, `why` is the end. One without any
        content is deleted.
        """
        path = self.path(name)
        if _is_blank(path):
            path.unlink()
        else:
            path.rename(self.aside / f"{name}.{why}")

    def aside_alarming(self) -> int:
        """How many files lie aside that a person should know of: not those that never arrived in full."""
        with os.scandir(self.aside) as entries:
            return sum(not entry.name.endswith(f".{INCOMPLETE}") for entry in entries)


def _is_blank(path: Path) -> bool:
    """Whether a file is empty or all zeros, as a power cut leaves one whose bytes had not reached the disk."""
    try:
        descriptor = open_file(path)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            if chunk.count(0) != len(chunk):
                return False
    return True
