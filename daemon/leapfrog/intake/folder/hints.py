"""Change notifications from the operating system about the watched folders: hints to look sooner."""

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

MAXIMUM_PATHS = 1000  # with more, a whole scan is quicker
EVENTS = [DirCreatedEvent, DirMovedEvent, FileClosedEvent, FileCreatedEvent, FileMovedEvent]

_log = logging.getLogger(__name__)


class FolderHints:
    """Collects paths to look at. Nothing depends on them: inotify loses events and sees nothing on network mounts."""

    def __init__(self, on_hint: Callable[[], None]) -> None:
        """`on_hint` is called, from another thread, when there is something to look at."""
        self._on_hint = on_hint
        self._observer = Observer()
        self._watched: set[Path] = set()
        self._lock = threading.Lock()
        self._paths: dict[Path, Path] = {}
        self._scan_wanted = False

    def start(self) -> None:
        """Start; folders are added with `watch`."""
        # watchdog warns about a harmless race, and its warnings name sub-folders, which may be named after patients.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")
        self._observer.start()

    def stop(self) -> None:
        """Stop."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def watch(self, root: Path) -> None:
        """Ask for notifications about `root`, if not done yet. If there are none to be had, `root` is only scanned."""
        if root in self._watched or not root.is_dir():
            return
        self._watched.add(root)
        try:
            self._observer.schedule(_Handler(self, root), str(root), recursive=True, event_filter=EVENTS)
        except OSError as problem:
            _log.warning(
                "The system cannot report changes in %s (%s): new files there are found only by the regular scan.",
                root,
                problem.strerror,
            )

    def collected(self) -> tuple[dict[Path, Path], bool]:
        """The paths to look at since the last call, each with its root, and whether to scan everything instead."""
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
