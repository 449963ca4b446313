"""Finds the files in a watched folder. Links are never followed."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leapfrog.intake.folder.file_kind import has_temporary_name
from leapfrog.intake.folder.pickup import FileState, state_of

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


def text_of(path: Path) -> str:
    """`path` as text that can be stored and shown."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class FolderScan:
    """One pass through a watched folder. `links` and `complete` are valid once `files` is exhausted."""

    def __init__(self, root: Path) -> None:
        """Prepare a scan of `root`; nothing is read yet."""
        self.root = root
        self.links: list[Path] = []
        self.complete = True  # False when a folder could not be read: files that were not seen may still exist

    def files(self) -> Iterator[FoundFile]:
        """Every regular file in the folder and its sub-folders, except those with temporary names. Never raises
        OSError.
        """
        real_root = Path(os.path.realpath(self.root))
        pending = [self.root]
        while pending:
            directory = pending.pop()
            try:
                with os.scandir(directory) as entries:
                    for entry in entries:
                        yield from self._visit(entry, real_root, pending)
            except OSError:
                self.complete = False

    def _visit(self, entry: os.DirEntry[str], real_root: Path, pending: list[Path]) -> Iterator[FoundFile]:
        path = Path(entry.path)
        if has_temporary_name(entry.name) or path == self.root / TAKEN_FOLDER:
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        if stat.S_ISLNK(status.st_mode):
            self.links.append(path)
        elif stat.S_ISDIR(status.st_mode):
            pending.append(path)
        elif stat.S_ISREG(status.st_mode):
            yield FoundFile(path, self.root, real_root, state_of(status))


def look_at(path: Path, root: Path) -> FoundFile | None:
    """The file that a scan of `root` would find at `path`, or None."""
    names = path.relative_to(root).parts
    if names[0] == TAKEN_FOLDER or any(has_temporary_name(name) for name in names):
        return None
    real_root = Path(os.path.realpath(root))
    try:
        status = path.lstat()
    except OSError:
        return None
    in_place = Path(os.path.realpath(path.parent)) == real_root.joinpath(*names[:-1])
    return FoundFile(path, root, real_root, state_of(status)) if in_place and stat.S_ISREG(status.st_mode) else None
