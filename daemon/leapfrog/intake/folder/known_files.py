"""The files of one folder that were taken before, as the child knows them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from leapfrog.intake.folder.pickup import FileState
from leapfrog.state.records import FolderFile

HOUR_NS = 3600 * 10**9
FAT_STEP_NS = 2 * 10**9  # FAT keeps times in steps of 2 s
MOST_HOURS = 26  # between two time zones. FAT keeps local time: daylight saving or another zone shift every file
Likeness = Literal["same", "perhaps", "other"]


class KnownFiles:
    """By path. A file is identified by path, size, time and content; its inode is a hint, since a remount may number
    anew, and its time may be shown in another zone.
    """

    def __init__(self, files: Iterable[FolderFile]) -> None:
        """Those that the journal remembers."""
        self._files = {file.path: file for file in files}
        self._renumbered: set[str] = set()
        self._inodes_hold = True  # False once a file was numbered anew twice: this mount's inodes mean nothing

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def likeness(self, path: str, state: FileState) -> Likeness:
        """Whether the file that is at `path` now is the one that was taken: "perhaps", if its content must tell."""
        known = self._files.get(path)
        if known is None or known.byte_count != state.byte_count:
            return "other"
        if known.modified_ns == state.modified_ns and (known.inode == state.inode or not self._inodes_hold):
            return "same"
        return "perhaps" if known.file_digest or _is_same_time(known.modified_ns, state.modified_ns) else "other"

    def digest(self, path: str) -> str:
        """The digest of what was taken at `path`; "" where none was noted."""
        return self._files[path].file_digest

    def recognise(self, path: str, state: FileState, file_digest: str) -> FolderFile | None:
        """The file at `path` as it is to be remembered now, if its content is what was taken; None if it is not."""
        known = self._files[path]
        if known.file_digest not in ("", file_digest):
            return None
        if known.modified_ns == state.modified_ns:
            self._inodes_hold &= path not in self._renumbered
            self._renumbered.add(path)
        now = replace(
            known,
            byte_count=state.byte_count,
            modified_ns=state.modified_ns,
            inode=state.inode,
            file_digest=file_digest,
        )
        self._files[path] = now
        return now

    def add(self, file: FolderFile) -> None:
        """It was taken."""
        self._files[file.path] = file

    def remove(self, path: str) -> None:
        """It is put away or gone."""
        self._files.pop(path, None)

    def gone(self, seen: set[str], folders: set[str]) -> list[str]:
        """Those that are not among `seen`, after a complete scan that read `folders`.

        Where no known file is left in a folder and all below it, that may be a share which is not mounted just now:
        those that were in it are not gone.
        """
        missing = [path for path in self._files if path not in seen]
        if not missing:
            return []
        alive: set[str] = set()
        for path in self._files.keys() & seen:
            while (path := _parent(path)) not in alive and len(path) > 1:
                alive.add(path)
        return [path for path in missing if _nearest(path, folders) in alive]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _nearest(path: str, folders: set[str]) -> str:
    while (path := _parent(path)) not in folders and len(path) > 1:
        pass
    return path


def _is_same_time(before_ns: int, now_ns: int) -> bool:
    hours, rest = divmod(abs(now_ns - before_ns) + FAT_STEP_NS, HOUR_NS)
    return hours <= MOST_HOURS and rest <= 2 * FAT_STEP_NS
