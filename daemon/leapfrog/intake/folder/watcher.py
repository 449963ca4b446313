"""The watched folders: what comes to lie there, and stays as it is, is taken once."""

import logging
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from leapfrog.errors import StorageError
from leapfrog.intake.admission import Admission
from leapfrog.intake.folder.file_kind import FileKind, is_complete, kind_of
from leapfrog.intake.folder.hints import FolderHints
from leapfrog.intake.folder.pickup import FileChanged, FileState, copy, opened
from leapfrog.intake.folder.picture_identity import PictureIdentities
from leapfrog.intake.folder.scan import TAKEN_FOLDER, FolderScan, FoundFile, look_at, text_of
from leapfrog.intake.instance_header import read_header
from leapfrog.settings import Settings
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import FolderFile
from leapfrog.state.spool import Spool
from leapfrog.worker import Worker

PATIENCE = 30  # a file that ends early is taken after so many times settle_seconds, for a reader to say so

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Candidate:
    """A file that may be taken: unchanged `since`, to be looked at when it is `due` (time.monotonic())."""

    found: FoundFile
    since: float
    due: float


class FolderWatcher(Worker):
    """Takes DICOM files and pictures out of the watched folders.

    A file is ready when two looks `settle_seconds` apart show the same size, time and inode and its end is there.
    It is copied, made durable, remembered, and only then kept, deleted or moved as `folder.after` says.
    """

    def __init__(self, settings: Settings, admission: Admission, journal: Journal, spool: Spool) -> None:
        """Nothing is looked at before `start`."""
        super().__init__("folder-watcher")
        self._settings = settings.folder
        self._roots = _outermost(settings.inbox_dirs)
        self._admission = admission
        self._folder_files = FolderFiles(journal)
        self._spool = spool
        self._identities = PictureIdentities(settings.folder, journal)
        self._hints = FolderHints(self.wake)
        self._next_scan = 0.0
        self._taken: dict[str, FileState] = {}
        self._candidates: dict[str, _Candidate] = {}
        self._left_alone: dict[str, FileState | None] = {}
        self._said: set[str] = set()

    def start(self) -> None:
        """Begin to look, also at what was there before."""
        self._taken = {
            file.path: FileState(file.byte_count, file.modified_ns, file.inode) for file in self._folder_files.all()
        }
        self._hints.start()
        super().start()

    def stop(self) -> None:
        """End; a file that is being copied stays where it is for the next start."""
        super().stop()
        self._hints.stop()

    def ignored_files(self) -> int:
        """How many files are left alone."""
        return len(self._left_alone)

    # ------------------------------------------------------------ looking

    def turn(self) -> float:
        """Scan when it is time, and look at what the system gave notice of."""
        hinted, scan_wanted = self._hints.collected()
        if scan_wanted or time.monotonic() >= self._next_scan:
            self._scan()
            self._next_scan = time.monotonic() + self._settings.rescan_seconds
        self._look_again(hinted)
        due = min((candidate.due for candidate in self._candidates.values()), default=self._next_scan)
        return min(due, self._next_scan) - time.monotonic()

    def _scan(self) -> None:
        for root in self._roots:
            self._hints.watch(root)
            scan = FolderScan(root)
            seen: set[str] = set()
            for found in scan.files():
                if not self.beat():
                    return
                seen.add(found.key)
                self._consider(found)
            for link in scan.links:
                seen.add(text_of(link))
                self._leave_alone(text_of(link), root, None)
            if scan.complete:
                self._forget_gone(root, seen)
                self._said.discard(f"unreadable {root}")
            else:
                self._say_once(
                    f"unreadable {root}",
                    f"{root} or a folder in it cannot be read: is it there, and may Leapfrog read it?",
                )

    def _look_again(self, hinted: dict[Path, Path]) -> None:
        """At what the system gave notice of, and at what has had its time to settle."""
        now = time.monotonic()
        for candidate in [candidate for candidate in self._candidates.values() if candidate.due <= now]:
            hinted.setdefault(candidate.found.path, candidate.found.root)
        for path, root in hinted.items():
            if not self.beat():
                return
            found = look_at(path, root)
            if found is None:
                self._candidates.pop(text_of(path), None)
            else:
                self._consider(found)

    def _consider(self, found: FoundFile) -> None:
        key, now = found.key, time.monotonic()
        if self._taken.get(key) == found.state:
            self._put_away(found)
            return
        if key in self._left_alone and self._left_alone[key] == found.state:
            return
        candidate = self._candidates.get(key)
        if candidate is None or candidate.found.state != found.state:
            self._candidates[key] = _Candidate(found, now, now + self._settings.settle_seconds)
        elif candidate.due <= now:
            self._try_to_take(candidate)

    def _try_to_take(self, candidate: _Candidate) -> None:
        found = candidate.found
        key, now = found.key, time.monotonic()
        self._candidates[key] = _Candidate(found, candidate.since, now + self._settings.rescan_seconds)
        try:
            done = self._take(found, patient=now - candidate.since < PATIENCE * self._settings.settle_seconds)
        except FileChanged:
            del self._candidates[key]
            self._next_scan = min(self._next_scan, now + self._settings.settle_seconds)
        except StorageError as problem:
            self._say_once("storage", f"Files stay in their folders and are tried again: {problem}")
        except OSError:  # it cannot be read
            self._leave_alone(key, found.root, None)
        except Exception as problem:  # one file must not keep all others out; its text may name a patient
            trace = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("A file in %s failed with %s:\n%s", found.root, type(problem).__name__, trace)
            self._leave_alone(key, found.root, found.state)
            del self._candidates[key]
        else:
            if done:
                del self._candidates[key]

    # ------------------------------------------------------------ taking

    def _take(self, found: FoundFile, *, patient: bool) -> bool:
        """Take the file or leave it alone for good. Returns False when its end is still awaited."""
        with opened(found.path, found.real_root, found.state) as stream:
            kind = kind_of(stream, found.path.name)
            if kind not in (FileKind.DICOM, FileKind.PICTURE):
                self._leave_alone(found.key, found.root, found.state)
                return True
            if patient and not is_complete(stream, kind):
                return False
            self._spool.require_space(found.state.byte_count)
            incoming = self._spool.incoming / new_id()
            copy(stream, incoming, found.state, self.beat)
        try:
            self._admit(incoming, found, kind)
        finally:
            incoming.unlink(missing_ok=True)
        self._taken[found.key] = found.state
        self._left_alone.pop(found.key, None)
        self._said.discard("storage")
        self._put_away(found)
        return True

    def _admit(self, incoming: Path, found: FoundFile, kind: FileKind) -> None:
        source = f"folder {found.root}"
        state = found.state
        file = FolderFile(
            path=found.key,
            byte_count=state.byte_count,
            modified_ns=state.modified_ns,
            inode=state.inode,
        )
        if kind is FileKind.DICOM:
            self._admission.admit_dicom(incoming, read_header(incoming), source, file)
        else:
            picture = self._identities.identity(found.path.name)
            self._admission.admit_picture(incoming, picture, self._identities.hints(found.path), source, file)

    def _put_away(self, found: FoundFile) -> None:
        """Delete or move a file that was taken, if that is wanted."""
        if self._settings.after == "keep":
            return
        now_there = look_at(found.path, found.root)
        if now_there is None or now_there.state != found.state:
            return
        try:
            if self._settings.after == "delete":
                found.path.unlink()
            else:
                _move(found)
        except OSError as problem:
            self._say_once(
                f"put away {found.root}",
                f"Files in {found.root} were taken and cannot be put away: {problem.strerror}.",
            )
        else:
            self._folder_files.forget([found.key])
            del self._taken[found.key]

    # ------------------------------------------------------------ remembering

    def _leave_alone(self, key: str, root: Path, state: FileState | None) -> None:
        self._left_alone[key] = state
        self._say_once(f"left alone {root}", f"Some files in {root} are left alone; `leapfrog status` counts them.")

    def _forget_gone(self, root: Path, seen: set[str]) -> None:
        """Forget what is no longer there. When nothing that was taken is left, the folder may be a share that is not
        mounted now, and forgetting would take all of it again when it is back.
        """
        for known in (self._candidates, self._left_alone):
            for key in _gone(known, root, seen):
                known.pop(key)
        gone = _gone(self._taken, root, seen)
        if gone and seen.intersection(self._taken):
            self._folder_files.forget(gone)
            for key in gone:
                del self._taken[key]

    def _say_once(self, matter: str, sentence: str) -> None:
        if matter not in self._said:
            self._said.add(matter)
            _log.warning("%s", sentence)


def _outermost(roots: Iterable[Path]) -> tuple[Path, ...]:
    """The roots without those in another one, whose scan finds their files too."""
    absolute = [root.absolute() for root in roots]
    return tuple(
        root for root in absolute if not any(root.is_relative_to(other) and root != other for other in absolute)
    )


def _gone(keys: Iterable[str], root: Path, seen: set[str]) -> list[str]:
    inside = f"{text_of(root)}/"
    return [key for key in keys if key.startswith(inside) and key not in seen]


def _move(found: FoundFile) -> None:
    target = found.root / TAKEN_FOLDER / found.path.relative_to(found.root)
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{found.path.stem} ({number}){found.path.suffix}")
    found.path.rename(target)
