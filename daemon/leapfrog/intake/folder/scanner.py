"""The child that looks at one watched folder, takes what is ready, and may hang with it. A program: it needs neither
journal nor network.

Whatever touches the folder happens here. So a mount that hangs holds this process and no other.
"""

import argparse
import contextlib
import logging
import math
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from leapfrog.intake.folder import trouble
from leapfrog.intake.folder.conversation import Begin, Cleared, Gone, Known, Looked, Noted, Recognised, Trouble
from leapfrog.intake.folder.hints import FolderHints
from leapfrog.intake.folder.holders import ignore_lease_breaks
from leapfrog.intake.folder.known_files import KnownFiles
from leapfrog.intake.folder.main_line import MainLine
from leapfrog.intake.folder.pickup import FileChanged, FileState, digest_of, opened, state_of
from leapfrog.intake.folder.scan import FolderScan, FoundFile, look_at, text_of
from leapfrog.intake.folder.taking import NotTaken, Taken, Taking, Wait
from leapfrog.intake.folder.wholeness import End
from leapfrog.processes.channel import ChannelClosed, LineChannel
from leapfrog.processes.parent import end_with_parent
from leapfrog.state.records import FolderFile

GLANCE_SECONDS = 0.2  # during a long scan or comparison: how often new files are looked at
RECOGNISED_AT_ONCE = 200  # files in one transaction


@dataclass(frozen=True)
class _Candidate:
    """A file that may soon be taken: unchanged `since`, and `due` for its next look. Both are time.monotonic()."""

    file: FoundFile
    since: float
    due: float


class FolderScanner:
    """Looks at one folder until the connection ends."""

    def __init__(self, begin: Begin, known: Iterable[FolderFile], line: MainLine) -> None:
        """Nothing is touched before `run`."""
        self._begin = begin
        self._root = begin.root
        self._line = line
        self._known = KnownFiles(known)
        self._taking = Taking(begin, line)
        self._hints = FolderHints(begin.root, line.wake)
        self._next_scan = 0.0
        self._glance_at = 0.0
        self._candidates: dict[str, _Candidate] = {}
        self._ignored: dict[str, FileState | None] = {}  # None for links and unreadable files
        self._unreadable: dict[str, OSError] = {}
        self._to_compare: dict[str, FoundFile] = {}  # known by path and size; the content must tell
        self._recognised: list[FolderFile] = []
        self._cut_short: dict[str, FileState] = {}  # taken although they end early, so never put away
        self._seen: set[str] = set()  # since the last scan began, by the scan or between its steps
        self._noted: set[str] = set()

    def run(self) -> None:
        """Work until ChannelClosed."""
        self._line.beat()
        self._hints.start()
        while True:
            self._line.sleep(self.turn())

    def turn(self) -> float:
        """Scan when it is time, and look at the files that the system reported. Returns how long to sleep."""
        hinted, scan_wanted = self._hints.collected()
        self._look_again(hinted)
        if scan_wanted or time.monotonic() >= self._next_scan:
            self._scan()
            self._next_scan = time.monotonic() + self._begin.rescan_seconds
            self._look_again(set())
        self._compare_some()
        if self._to_compare:
            return 0.0
        self._flush_recognised()
        due = min((candidate.due for candidate in self._candidates.values()), default=self._next_scan)
        return max(0.0, min(due, self._next_scan) - time.monotonic())

    # ------------------------------------------------------------ looking

    def _scan(self) -> None:
        self._keep_watching()
        scan = FolderScan(self._root)
        real_root = Path(os.path.realpath(self._root))
        self._seen.clear()
        for path, status in scan.files():
            self._glance()
            key, state = text_of(path), state_of(status)
            self._seen.add(key)
            if self._is_news(key, state):
                self._consider(FoundFile(Path(path), self._root, real_root, state))
        for link in scan.links:
            self._seen.add(text_of(link))
            self._ignore(text_of(link), None)
        if scan.complete:
            self._forget_gone({text_of(folder) for folder in scan.folders})
        self._report(scan)

    def _keep_watching(self) -> None:
        with contextlib.suppress(OSError):  # the scan will say why
            self._hints.keep_watching()
        if self._hints.refusal:
            self._note_once(
                f"The system cannot report changes in {self._root} ({self._hints.refusal}): new files there are found"
                " only by the regular scan."
            )

    def _glance(self) -> None:
        """During long work: a sign of life, and a look at the files that have come meanwhile."""
        if time.monotonic() >= self._glance_at:
            self._line.beat()
            hinted, scan_wanted = self._hints.collected()
            if scan_wanted:
                self._next_scan = 0.0
            self._look_again(hinted)
            self._glance_at = time.monotonic() + GLANCE_SECONDS

    def _is_news(self, key: str, state: FileState) -> bool:
        """Whether there is anything to do about a file. Asked for each of perhaps 100,000 at every scan."""
        if key in self._ignored and self._ignored[key] == state:
            return False
        if self._begin.after == "keep" and key not in self._candidates:
            return self._known.likeness(key, state) != "same"
        return self._cut_short.get(key) != state

    def _look_again(self, hinted: set[Path]) -> None:
        """Look again at the files that the system reported and at those that have had time to settle."""
        now = time.monotonic()
        due = {candidate.file.path for candidate in self._candidates.values() if candidate.due <= now}
        for path in hinted | due:
            self._line.beat()
            file = look_at(path, self._root)
            if file is None:
                self._candidates.pop(text_of(path), None)
                continue
            self._seen.add(file.key)
            if self._is_news(file.key, file.state):
                self._consider(file, hinted=path in hinted)

    def _consider(self, file: FoundFile, *, hinted: bool = False) -> None:
        key, now = file.key, time.monotonic()
        likeness = self._known.likeness(key, file.state)
        if likeness == "same":
            self._candidates.pop(key, None)
            self._put_away(file)
            return
        candidate = self._candidates.get(key)
        if candidate is None and likeness == "perhaps":
            self._to_compare[key] = file
        elif candidate is None or candidate.file.state != file.state:
            self._candidates[key] = _Candidate(file, now, now + self._begin.rests.settle)
        elif candidate.due <= now or (hinted and now - candidate.since >= self._begin.rests.settle):
            self._try_to_take(candidate)

    # ------------------------------------------------------------ taking

    def _try_to_take(self, candidate: _Candidate) -> None:
        file, now = candidate.file, time.monotonic()
        key = file.key
        self._candidates[key] = _Candidate(file, candidate.since, now + self._begin.rescan_seconds)
        try:
            result = self._taking.take(file, now - candidate.since, self._hints.heard_of(file.path))
        except ChannelClosed:
            raise
        except FileChanged:
            del self._candidates[key]
            self._next_scan = min(self._next_scan, now + self._begin.rests.settle)
        except OSError as problem:
            self._unreadable[key] = problem
            self._ignore(key, None)
        except Exception as problem:
            # One file must not block all the others.
            self._line.tell(Noted(text=f"A file in {self._root} could not be taken: {_trace(problem)}"))
            self._settle(key, ignored=file.state)
        else:
            self._unreadable.pop(key, None)
            self._handle(result, candidate)

    def _handle(self, result: Taken | Wait | NotTaken, candidate: _Candidate) -> None:
        file, key = candidate.file, candidate.file.key
        match result:
            case Taken():
                self._known.add(result.file)
                self._ignored.pop(key, None)
                self._settle(key)
                self._hints.forget(file.path)
                self._put_away(file, result.end)
            case Wait():
                if math.isfinite(result.rest_seconds):  # otherwise it is due again at the next scan
                    self._candidates[key] = replace(candidate, due=candidate.since + result.rest_seconds)
            case NotTaken.NO_IMAGE | NotTaken.FAILED:
                self._settle(key, ignored=file.state)
            case NotTaken.CANNOT_BE_KEPT:
                pass  # it is due again at the next scan

    def _settle(self, key: str, ignored: FileState | None = None) -> None:
        """The file is no candidate any more; `ignored` in this state, if given."""
        self._candidates.pop(key, None)
        if ignored is not None:
            self._ignore(key, ignored)

    def _put_away(self, file: FoundFile, end: End | None = None) -> None:
        """Delete or move a file that was taken, if `folder.after` says so and it is still the same file."""
        if self._begin.after == "keep" or self._cut_short.get(file.key) == file.state:
            return
        try:
            put_away = self._taking.put_away(file, end)
        except FileChanged:
            return  # a later scan sees what has become of it
        except OSError as problem:
            self._trouble(trouble.PUT_AWAY_MATTER, trouble.put_away_trouble(self._root, self._begin.after, problem))
            return
        self._line.tell(Cleared(matter=trouble.PUT_AWAY_MATTER))
        if put_away:
            self._known.remove(file.key)
            self._line.tell(Gone(paths=(file.key,)))
        else:
            self._cut_short[file.key] = file.state

    # ------------------------------------------------------------ recognising

    def _compare_some(self) -> None:
        """Look at the content of known files that look different, a few at a time: new files come first."""
        until = time.monotonic() + GLANCE_SECONDS
        while self._to_compare and time.monotonic() < until:
            key = next(iter(self._to_compare))
            self._compare(self._to_compare.pop(key))

    def _compare(self, file: FoundFile) -> None:
        key = file.key
        if key not in self._known:
            return
        try:
            with opened(file.path, file.real_root, file.state) as stream:
                digest = digest_of(stream, file.state, self._line.beat, self._known.digest(key))
        except FileChanged:
            return  # a later scan sees what has become of it
        except OSError as problem:
            self._unreadable[key] = problem
            return
        self._unreadable.pop(key, None)
        recognised = self._known.recognise(key, file.state, digest)
        if recognised is None:
            now = time.monotonic()
            self._candidates[key] = _Candidate(file, now, now + self._begin.rests.settle)
            return
        self._recognised.append(recognised)
        if len(self._recognised) >= RECOGNISED_AT_ONCE:
            self._flush_recognised()
        self._put_away(file)

    def _flush_recognised(self) -> None:
        if self._recognised:
            self._line.tell(Recognised(files=tuple(self._recognised)))
            self._recognised.clear()

    # ------------------------------------------------------------ remembering

    def _ignore(self, key: str, state: FileState | None) -> None:
        self._ignored[key] = state
        self._note_once(
            f"Some files in {self._root} are ignored: they are links, cannot be read, or are neither DICOM nor"
            " pictures. `leapfrog status` counts them."
        )

    def _forget_gone(self, folders: set[str]) -> None:
        seen = self._seen
        for known in (self._candidates, self._ignored, self._unreadable, self._to_compare, self._cut_short):
            for key in known.keys() - seen:
                del known[key]
        if gone := self._known.gone(seen, folders):
            self._flush_recognised()
            self._line.tell(Gone(paths=tuple(gone)))
            for key in gone:
                self._known.remove(key)

    # ------------------------------------------------------------ reporting

    def _report(self, scan: FolderScan) -> None:
        if scan.root_error:
            self._trouble(trouble.ROOT_MATTER, trouble.root_trouble(self._root, scan.root_error))
        else:
            self._line.tell(Cleared(matter=trouble.ROOT_MATTER))
        if problems := [*scan.errors, *self._unreadable.values()]:
            self._trouble(trouble.INSIDE_MATTER, trouble.inside_trouble(self._root, problems))
        elif not scan.root_error:
            self._line.tell(Cleared(matter=trouble.INSIDE_MATTER))
        if self._cut_short:
            self._trouble(trouble.CUT_SHORT_MATTER, trouble.cut_short_trouble(self._root, len(self._cut_short)))
        elif scan.complete:
            self._line.tell(Cleared(matter=trouble.CUT_SHORT_MATTER))
        self._line.tell(Looked(ignored=len(self._ignored)))

    def _trouble(self, matter: str, words: tuple[str, str]) -> None:
        self._line.tell(Trouble(matter=matter, what=words[0], remedy=words[1]))

    def _note_once(self, sentence: str) -> None:
        if sentence not in self._noted:
            self._noted.add(sentence)
            self._line.tell(Noted(text=sentence))


def _trace(problem: BaseException) -> str:
    """Where it happened. The exception's own text may name a patient."""
    return f"{type(problem).__name__}:\n{''.join(traceback.format_tb(problem.__traceback__))}"


def _say_nothing(_kind: type[BaseException], _problem: BaseException, _trace: TracebackType | None) -> None:
    """The error was told to the main process, and its text may name a patient."""


def serve(line: MainLine) -> int:
    """Look at the folder that the main process names, until it wants no more; returns the exit status."""
    known: list[FolderFile] = []
    try:
        while isinstance(message := line.receive(), Known):
            known.extend(message.files)
        if not isinstance(message, Begin):
            return 1
        FolderScanner(message, known, line).run()
    except ChannelClosed:
        return 0
    except Exception as problem:
        line.tell(Noted(text=_trace(problem)))
        return 1
    return 0


def main() -> int:
    """The child; it speaks over the open file descriptor --fd."""
    parser = argparse.ArgumentParser(description="Leapfrog's folder scanner; the daemon starts it.")
    parser.add_argument("--fd", type=int, required=True, help="the connection to the main process")
    parser.add_argument("--parent", type=int, required=True, help="the process that this one ends with")
    options = parser.parse_args()
    end_with_parent(options.parent)
    for number in (signal.SIGINT, signal.SIGTERM):  # the main process decides when this one ends
        signal.signal(number, signal.SIG_IGN)
    ignore_lease_breaks()
    sys.excepthook = _say_nothing
    logging.disable(logging.CRITICAL)  # watchdog names files
    return serve(MainLine(LineChannel(socket.socket(fileno=options.fd))))


if __name__ == "__main__":
    # Threads of watchdog may hang with the mount, so nobody waits for them.
    os._exit(main())
