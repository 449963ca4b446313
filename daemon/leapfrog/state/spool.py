"""The spool: the durable files of received instances and of what is owed, named by our own ids."""

import errno
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from leapfrog.durable import fsync_directory, fsync_file
from leapfrog.errors import DiskFull, StorageError

SPOOL_NAME = "spool"  # in the state directory
# What a dying or unplugged disk answers. A full one (ENOSPC, EDQUOT) refuses a file and is well.
DISK_FAILURES = frozenset((errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO))


class Spool:
    """A flat directory of durable files, with `incoming/` for bytes that still arrive and `work/` for readers.

    Both lie on the same file system, so that a file becomes durable by a rename and never by a copy.
    """

    def __init__(self, directory: Path, min_free_bytes: int) -> None:
        """Create the directories where they are missing; raises StorageError when that fails."""
        self.directory = directory
        self.incoming = directory / "incoming"
        self.work = directory / "work"
        self.broken = False  # set when the disk failed: the process must start afresh
        self._min_free_bytes = min_free_bytes
        try:
            for path in (directory, self.incoming, self.work):
                path.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as problem:
            raise StorageError(f"The spool {directory} cannot be created: {problem.strerror}.") from problem

    def path(self, name: str) -> Path:
        """Where the file `name` lies."""
        return self.directory / name

    def free_bytes(self) -> int:
        """How much a process without privileges may still write."""
        usage = os.statvfs(self.directory)
        return usage.f_bavail * usage.f_frsize

    def require_space(self, byte_count: int = 0) -> None:
        """Raise DiskFull when storing `byte_count` more would go under the free space that must stay."""
        free = self.free_bytes()
        if free - byte_count < self._min_free_bytes:
            raise DiskFull(
                f"The disk has {free} bytes free, and {self._min_free_bytes} must stay free (retention.min_free_bytes):"
                " make room on the disk of the state directory."
            )

    def adopt(self, source: Path, name: str) -> Path:
        """Make `source`, a file on the spool's file system, the durable spool file `name`.

        The rename comes first: then one commit of the file system carries the bytes and the name, where fsync,
        rename, fsync would cost two. A cut in between leaves a torn file that no row names, which `sweep` removes.
        Raises StorageError when the disk does not take it.
        """
        target = self.path(name)
        try:
            source.rename(target)
            fsync_file(target)
            fsync_directory(self.directory)
        except OSError as problem:
            target.unlink(missing_ok=True)
            raise self._refusal(problem) from problem
        return target

    def adopt_all(self, sources: Collection[tuple[Path, str]]) -> None:
        """Like `adopt` for files that a reader has already made durable: renames, then one fsync of the directory."""
        if not sources:
            return
        try:
            for source, name in sources:
                source.rename(self.path(name))
            fsync_directory(self.directory)
        except OSError as problem:
            raise self._refusal(problem) from problem

    def _refusal(self, problem: OSError) -> StorageError:
        """After a failed fsync nothing that was written can be trusted, also if the next one succeeds."""
        if problem.errno in DISK_FAILURES:
            self.broken = True
        return StorageError(f"The disk did not take a file: {problem.strerror}.")

    def remove(self, name: str) -> None:
        """Remove the file `name`; nothing happens when it is gone."""
        self.path(name).unlink(missing_ok=True)

    def work_dir(self, job_id: str) -> Path:
        """A fresh, empty directory for one job of a reader."""
        path = self.work / job_id
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o750)
        return path

    def clear_work_dir(self, path: Path) -> None:
        """Remove a job's directory with what was left in it."""
        shutil.rmtree(path, ignore_errors=True)

    def sweep(self, known: Collection[str]) -> int:
        """At a start: remove what no row names, since it was never acknowledged. Returns how many files went."""
        removed = 0
        for path in [*self.incoming.iterdir(), *self.work.iterdir()]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            removed += 1
        for path in self.directory.iterdir():
            if path.is_file() and path.name not in known:
                path.unlink()
                removed += 1
        return removed
