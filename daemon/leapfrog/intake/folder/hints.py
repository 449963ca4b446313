"""The system's notices that something happened in a watched folder: hints to look sooner."""

import logging
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

MAXIMUM_PATHS = 1000  # beyond that a whole scan is quicker
EVENTS = [DirCreatedEvent, DirMovedEvent, FileClosedEvent, FileCreatedEvent, FileMovedEvent]

_log = logging.getLogger(__name__)


class FolderHints:
    """Collects paths to look at. inotify loses events and sees nothing on network mounts: nothing rests on them."""

    def __init__(self, on_hint: Callable[[], None]) -> None:
        """`on_hint` is called, from another thread, when there is something to look at."""
        self._on_hint = on_hint
        self._observer = Observer()
        self._watched: set[Path] = set()
        self._lock = threading.Lock()
        self._paths: dict[Path, Path] = {}
        self._scan_wanted = False

    def start(self) -> None:
        """Begin; folders are added by `watch`."""
        # It warns of a harmless race with the paths of sub-folders, which may be called after patients.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
        self._observer.start()

    def stop(self) -> None:
        """End."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def watch(self, root: Path) -> None:
        """Ask for notices about `root`, once; without them it is only scanned."""
        if root in self._watched or not root.is_dir():
            return
        self._watched.add(root)
        try:
            self._observer.schedule(_Handler(self, root), str(root), recursive=True, event_filter=EVENTS)
        except OSError as problem:
            _log.warning("The system gives no notices about %s (%s): it is only scanned.", root, problem.strerror)

    def collected(self) -> tuple[dict[Path, Path], bool]:
        """Paths to look at, each with its root, and whether a whole scan is better; they are handed out once."""
        with self._lock:
            paths, scan_wanted = self._paths, self._scan_wanted
            self._paths, self._scan_wanted = {}, False
        return paths, scan_wanted

    def add(self, path: Path, root: Path, is_directory: bool) -> None:
        """Note a hint."""
        with self._lock:
            if is_directory or len(self._paths) >= MAXIMUM_PATHS:
                self._scan_wanted = True
            else:
                self._paths[path] = root
        self._on_hint()


class _Handler(FileSystemEventHandler):
    def __init__(self, hints: FolderHints, root: Path) -> None:
        self._hints = hints
        self._root = root

    def on_any_event(self, event: FileSystemEvent) -> None:
        path = Path(str(event.dest_path or event.src_path))
        if path.is_relative_to(self._root) and path != self._root:
            self._hints.add(path, self._root, event.is_directory)
