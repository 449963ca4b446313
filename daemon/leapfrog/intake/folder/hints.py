"""Change notifications from the operating system about a watched folder: hints to look sooner, and what was closed."""

import threading
import warnings
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

MAXIMUM_PATHS = 1000  # with more, a whole scan is quicker
MAXIMUM_HEARD = 100_000  # files; with more, all is forgotten, which only makes some files wait longer
EVENTS = [DirCreatedEvent, DirMovedEvent, FileClosedEvent, FileCreatedEvent, FileModifiedEvent, FileMovedEvent]


class Heard(Enum):
    """What was last heard of a file that is being written."""

    WRITING = "written to, and not closed since"
    CLOSED = "closed, and not written to since"


class FolderHints:
    """Collects paths to look at. Nothing is lost without them: inotify loses events, and sees nothing on network
    mounts.
    """

    def __init__(self, root: Path, on_hint: Callable[[], None]) -> None:
        """`on_hint` is called, from another thread, when there is something to look at."""
        self._root = root
        self._on_hint = on_hint
        self._observer = Observer()
        self._watch: ObservedWatch | None = None
        self._identity: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._paths: set[Path] = set()
        self._heard: dict[Path, Heard] = {}
        self._scan_wanted = False

    def start(self) -> None:
        """Start; the folder is added with `watch`."""
        # watchdog warns about a harmless race, and its warnings name sub-folders, which may be named after patients.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
        self._observer.start()

    def stop(self) -> None:
        """Stop."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def watch(self) -> str:
        """Ask for notifications about the folder, if that was not done yet, or if the folder is another one now: it was
        made anew, or something was mounted there. Returns why there are none to be had, or ''. Raises OSError when the
        folder cannot be looked at.
        """
        status = self._root.stat()
        identity = (status.st_dev, status.st_ino)
        if self._watch is not None and identity == self._identity and self._is_served():
            return ""
        self.unwatch()
        try:
            self._watch = self._observer.schedule(
                _Handler(self, self._root), str(self._root), recursive=True, event_filter=EVENTS
            )
        except OSError as problem:
            return problem.strerror or type(problem).__name__
        self._identity = identity
        return ""

    def unwatch(self) -> None:
        """Ask for nothing more: the folder is gone."""
        watch, self._watch = self._watch, None
        if watch is not None:
            self._observer.unschedule(watch)
        with self._lock:
            self._heard.clear()

    def _is_served(self) -> bool:
        """watchdog's thread ends with the folder, and by an error."""
        return all(emitter.is_alive() for emitter in self._observer.emitters)

    def collected(self) -> tuple[set[Path], bool]:
        """The paths to look at since the last call, and whether to scan everything instead."""
        with self._lock:
            paths, scan_wanted = self._paths, self._scan_wanted
            self._paths, self._scan_wanted = set(), False
        return paths, scan_wanted

    def heard_of(self, path: Path) -> Heard | None:
        """What was last heard of the file; None where nothing was."""
        with self._lock:
            return self._heard.get(path)

    def forget(self, path: Path) -> None:
        """The file is dealt with."""
        with self._lock:
            self._heard.pop(path, None)

    def note(self, event: FileSystemEvent) -> None:
        """Note what was reported."""
        path = Path(str(event.dest_path or event.src_path))
        is_inside = path.is_relative_to(self._root) and path != self._root
        with self._lock:
            self._note_heard(event, path if is_inside else None)
            if not is_inside or isinstance(event, FileModifiedEvent):
                return
            if event.is_directory or len(self._paths) >= MAXIMUM_PATHS:
                self._scan_wanted = True
            else:
                self._paths.add(path)
        self._on_hint()

    def _note_heard(self, event: FileSystemEvent, path: Path | None) -> None:
        if len(self._heard) >= MAXIMUM_HEARD:
            self._heard.clear()
        before: Heard | None = None
        if isinstance(event, FileMovedEvent):
            before = self._heard.pop(Path(str(event.src_path)), None)
        if path is None:
            return
        match event:
            case FileClosedEvent():
                self._heard[path] = Heard.CLOSED
            case FileModifiedEvent():  # "created" may only mean that it was moved here
                self._heard[path] = Heard.WRITING
            case FileMovedEvent() if before is not None:
                self._heard[path] = before
            case FileMovedEvent():
                self._heard.pop(path, None)
            case _:
                pass


class _Handler(FileSystemEventHandler):
    def __init__(self, hints: FolderHints, root: Path) -> None:
        self._hints = hints
        self._root = root

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._hints.note(event)
