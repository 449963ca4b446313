"""Watches the folders: each file that appears there and has stopped changing is taken once."""

import logging
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from leapfrog.errors import StorageError
from leapfrog.intake.admission import Admission
from leapfrog.intake.folder.file_kind import READ_KINDS, FileKind, is_complete, kind_of
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

READY_SECONDS = 1.0  # between two looks whether files may be taken
PATIENCE = 30  # a truncated file is taken after this many times settle_seconds, so that a reader reports it

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Candidate:
    """A file that may soon be taken: unchanged `since`, and `due` for its next look. Both are time.monotonic()."""

    file: FoundFile
    since: float
    due: float


class FolderWatcher(Worker):
    """Takes DICOM files and pictures out of the watched folders.

    A file is ready when two looks `settle_seconds` apart show the same size, time and inode, and it is complete.
    It is copied, made durable and remembered, and only then kept, deleted or moved as `folder.after` says.
    """

    def __init__(
        self,
        settings: Settings,
        admission: Admission,
        journal: Journal,
        spool: Spool,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Nothing is watched before `start`, and nothing is taken before it is `ready`: only then does the journal know
        every file that was taken.
        """
        super().__init__("folder-watcher")
        self._settings = settings.folder
        self._roots = _outermost(settings.inbox_dirs)
        self._admission = admission
        self._folder_files = FolderFiles(journal)
        self._spool = spool
        self._identities = PictureIdentities(settings.folder, journal)
        self._hints = FolderHints(self.wake)
        self._next_scan = 0.0
        self._ready = ready
        self._knows_taken = False
        self._taken: dict[str, FileState] = {}
        self._candidates: dict[str, _Candidate] = {}
        self._ignored: dict[str, FileState | None] = {}  # None for links and unreadable files
        self._warned_of: set[str] = set()

    def start(self) -> None:
        """Start watching. Files that are already there count too."""
        self._hints.start()
        super().start()

    def stop(self) -> None:
        """Stop. A file that is being copied stays where it is and is taken after the next start."""
        super().stop()
        self._hints.stop()

    def ignored_files(self) -> int:
        """How many files and links in the folders are ignored."""
        return len(self._ignored)

    # ------------------------------------------------------------ looking

    def turn(self) -> float:
        """Scan when it is time, and look at the files that the system reported."""
        if not self._knows_taken:
            if not self._ready():
                return READY_SECONDS
            self._taken = {
                file.path: FileState(file.byte_count, file.modified_ns, file.inode) for file in self._folder_files.all()
            }
            self._knows_taken = True
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
            for file in scan.files():
                if not self.beat():
                    return
                seen.add(file.key)
                self._consider(file)
            for link in scan.links:
                seen.add(text_of(link))
                self._ignore(text_of(link), root, None)
            if scan.complete:
                self._forget_gone(root, seen)
                self._warned_of.discard(f"unreadable {root}")
            else:
                self._warn_once(
                    f"unreadable {root}",
                    f"{root} or a folder in it cannot be read: check that it exists and that Leapfrog may read it.",
                )

    def _look_again(self, hinted: dict[Path, Path]) -> None:
        """Look again at the files that the system reported and at those that have had time to settle."""
        now = time.monotonic()
        for candidate in [candidate for candidate in self._candidates.values() if candidate.due <= now]:
            hinted.setdefault(candidate.file.path, candidate.file.root)
        for path, root in hinted.items():
            if not self.beat():
                return
            file = look_at(path, root)
            if file is None:
                self._candidates.pop(text_of(path), None)
            else:
                self._consider(file)

    def _consider(self, file: FoundFile) -> None:
        key, now = file.key, time.monotonic()
        if self._taken.get(key) == file.state:
            self._put_away(file)
            return
        if key in self._ignored and self._ignored[key] == file.state:
            return
        candidate = self._candidates.get(key)
        if candidate is None or candidate.file.state != file.state:
            self._candidates[key] = _Candidate(file, now, now + self._settings.settle_seconds)
        elif candidate.due <= now:
            self._try_to_take(candidate)

    def _try_to_take(self, candidate: _Candidate) -> None:
        file = candidate.file
        key, now = file.key, time.monotonic()
        self._candidates[key] = _Candidate(file, candidate.since, now + self._settings.rescan_seconds)
        try:
            done = self._take(file, patient=now - candidate.since < PATIENCE * self._settings.settle_seconds)
        except FileChanged:
            del self._candidates[key]
            self._next_scan = min(self._next_scan, now + self._settings.settle_seconds)
        except StorageError as problem:
            self._warn_once("storage", f"New files cannot be taken; they stay in their folders for now: {problem}")
        except OSError:  # it cannot be read
            self._ignore(key, file.root, None)
        except Exception as problem:
            # One file must not block all the others. The exception's own text may name a patient, so it is not logged.
            trace = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("A file in %s could not be taken: %s:\n%s", file.root, type(problem).__name__, trace)
            self._ignore(key, file.root, file.state)
            del self._candidates[key]
        else:
            if done:
                del self._candidates[key]

    # ------------------------------------------------------------ taking

    def _take(self, file: FoundFile, *, patient: bool) -> bool:
        """Take the file, or ignore it until it changes. Returns False if it is incomplete and `patient`."""
        with opened(file.path, file.real_root, file.state) as stream:
            kind = kind_of(stream, file.path.name)
            if kind not in READ_KINDS:
                self._ignore(file.key, file.root, file.state)
                return True
            if patient and not is_complete(stream, kind):
                return False
            self._spool.require_space(file.state.byte_count)
            incoming = self._spool.incoming / new_id()
            sha256 = copy(stream, incoming, file.state, self.beat)
        try:
            self._admit(incoming, file, kind, sha256)
        finally:
            incoming.unlink(missing_ok=True)
        self._taken[file.key] = file.state
        self._ignored.pop(file.key, None)
        self._warned_of.discard("storage")
        self._put_away(file)
        return True

    def _admit(self, incoming: Path, file: FoundFile, kind: FileKind, sha256: str) -> None:
        source = f"folder {file.root}"
        taken = FolderFile(
            path=file.key,
            byte_count=file.state.byte_count,
            modified_ns=file.state.modified_ns,
            inode=file.state.inode,
        )
        match kind:
            case FileKind.DICOM:
                self._admission.admit_dicom(incoming, read_header(incoming), source, taken, sha256)
            case FileKind.PICTURE:
                picture = self._identities.identity(file.path.name)
                hints = self._identities.hints(file.path)
                self._admission.admit_picture(incoming, picture, hints, source, taken, sha256)
            case FileKind.DICOM_DIRECTORY | FileKind.OTHER:
                raise ValueError(f"{kind} is not read.")
            case _:
                assert_never(kind)

    def _put_away(self, file: FoundFile) -> None:
        """Delete or move a file that was taken, if `folder.after` says so and it is still the same file."""
        if self._settings.after == "keep":
            return
        current = look_at(file.path, file.root)
        if current is None or current.state != file.state:
            return
        try:
            if self._settings.after == "delete":
                file.path.unlink()
            else:
                _move(file)
        except OSError as problem:
            verb = "deleted" if self._settings.after == "delete" else "moved away"
            self._warn_once(
                f"put away {file.root}",
                f"Files in {file.root} were taken but cannot be {verb}: {problem.strerror}. Let Leapfrog write there,"
                ' or set folder.after to "keep".',
            )
        else:
            self._folder_files.forget([file.key])
            del self._taken[file.key]

    # ------------------------------------------------------------ remembering

    def _ignore(self, key: str, root: Path, state: FileState | None) -> None:
        self._ignored[key] = state
        self._warn_once(
            f"ignored {root}",
            f"Some files in {root} are ignored: they are links, cannot be read, or are neither DICOM nor pictures."
            " `leapfrog status` counts them.",
        )

    def _forget_gone(self, root: Path, seen: set[str]) -> None:
        """Forget files that are gone. If every file that was ever taken is gone, the folder may be a network share that
        is not mounted just now. Then they are remembered, or all of them would be taken again when it is back.
        """
        for known in (self._candidates, self._ignored):
            for key in _gone(known, root, seen):
                known.pop(key)
        gone = _gone(self._taken, root, seen)
        if gone and seen.intersection(self._taken):
            self._folder_files.forget(gone)
            for key in gone:
                del self._taken[key]

    def _warn_once(self, matter: str, sentence: str) -> None:
        if matter not in self._warned_of:
            self._warned_of.add(matter)
            _log.warning("%s", sentence)


def _outermost(roots: Iterable[Path]) -> tuple[Path, ...]:
    """The roots that lie in no other root. Scanning an outer root finds the files of those inside it too."""
    absolute = [root.absolute() for root in roots]
    return tuple(
        root for root in absolute if not any(root.is_relative_to(other) and root != other for other in absolute)
    )


def _gone(keys: Iterable[str], root: Path, seen: set[str]) -> list[str]:
    inside = f"{text_of(root)}/"
    return [key for key in keys if key.startswith(inside) and key not in seen]


def _move(file: FoundFile) -> None:
    target = file.root / TAKEN_FOLDER / file.path.relative_to(file.root)
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{file.path.stem} ({number}){file.path.suffix}")
    file.path.rename(target)
