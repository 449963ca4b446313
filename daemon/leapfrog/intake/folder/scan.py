"""Finds the files in a watched folder. Links are never followed."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leapfrog.intake.folder.file_kind import has_temporary_name
from leapfrog.intake.folder.pickup import FileState, state_of
from leapfrog.state.records import FolderFile

TAKEN_FOLDER = "taken"  # in each watched folder, where `after = "move"` puts files; it is never scanned


@dataclass(frozen=True)
class FoundFile:
    """A regular file in the watched folder `root`. `real_root` is the root without links."""

    path: Path
    root: Path
    real_root: Path
    state: FileState

    @property
    def key(self) -> str:
        """The path as text that can be stored, even if its name is not valid UTF-8."""
        return text_of(self.path)

    def record(self, file_digest: str) -> FolderFile:
        """What is remembered of it."""
        state = self.state
        return FolderFile(
            path=self.key,
            byte_count=state.byte_count,
            modified_ns=state.modified_ns,
            inode=state.inode,
            file_digest=file_digest,
        )


def text_of(path: str | Path) -> str:
    """`path` as text that can be stored and shown."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class FolderScan:
    """One pass through a watched folder. All but `root` is valid once `files` is exhausted."""

    def __init__(self, root: Path) -> None:
        """Prepare a scan of `root`; nothing is read yet."""
        self.root = root
        self.links: list[str] = []
        self.folders: set[str] = set()  # that were read to their end
        self.root_error: OSError | None = None  # why the root itself could not be read
        self.errors: list[OSError] = []  # folders and files within that could not be looked at

    @property
    def complete(self) -> bool:
        """Whether everything was seen; otherwise files that were not seen may still exist."""
        return self.root_error is None and not self.errors

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Path and status of every regular file in the folder and its sub-folders, except those with temporary names.
        Never raises OSError: what cannot be looked at does not hide what is beside it.
        """
        root = os.fspath(self.root)
        pending = [root]
        while pending:
            directory = pending.pop()
            try:
                with os.scandir(directory) as entries:
                    for entry in entries:
                        yield from self._visit(entry, directory == root, pending)
                self.folders.add(directory)
            except OSError as problem:
                if directory == root:
                    self.root_error = problem
                elif problem.errno != errno.ENOENT:  # it was removed meanwhile
                    self.errors.append(problem)

    def _visit(
        self, entry: os.DirEntry[str], in_root: bool, pending: list[str]
    ) -> Iterator[tuple[str, os.stat_result]]:
        if has_temporary_name(entry.name) or (in_root and entry.name == TAKEN_FOLDER):
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        except OSError as problem:
            self.errors.append(problem)
            return
        if stat.S_ISLNK(status.st_mode):
            self.links.append(entry.path)
        elif stat.S_ISDIR(status.st_mode):
            pending.append(entry.path)
        elif stat.S_ISREG(status.st_mode):
            yield entry.path, status


def look_at(path: Path, root: Path) -> FoundFile | None:
    """The file that a scan of `root` would find at `path`, or None."""
    names = path.relative_to(root).parts
    if names[0] == TAKEN_FOLDER or any(has_temporary_name(name) for name in names):
        return None
    try:
        real_root = Path(os.path.realpath(root))
        status = path.lstat()
        in_place = Path(os.path.realpath(path.parent)) == real_root.joinpath(*names[:-1])
    except OSError:
        return None
    return FoundFile(path, root, real_root, state_of(status)) if in_place and stat.S_ISREG(status.st_mode) else None
