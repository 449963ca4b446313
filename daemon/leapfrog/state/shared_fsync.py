"""One fsync of a directory for all threads that wait for it."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

from leapfrog.durable import fsync_directory


class _Round:
    """An fsync that is to come, is under way, or has ended. Until it has succeeded, it has failed."""

    def __init__(self) -> None:
        self.has_ended = False
        self.error: int | None = errno.EIO


class SharedFsync:
    """Makes the file names in a directory durable. Any thread may call it.

    Whoever asks while an fsync is under way waits for the next one, since his name may have come too late for this one;
    the next serves all who wait by then. So nobody waits for more than one fsync beside his own.
    """

    def __init__(self, directory: Path, fsync: Callable[[Path], None] = fsync_directory) -> None:
        """`fsync` makes the names in `directory` durable, or raises OSError."""
        self._directory = directory
        self._fsync = fsync
        self._changed = threading.Condition()
        self._is_under_way = False
        self._next = _Round()

    def __call__(self) -> None:
        """Returns once the names that are there now are durable. Raises OSError when the disk fails."""
        with self._changed:
            mine = self._next
            self._changed.wait_for(lambda: mine.has_ended or not self._is_under_way)
            is_first = not mine.has_ended
            if is_first:
                self._is_under_way = True
                self._next = _Round()
        if is_first:
            self._do(mine)
        if mine.error is not None:
            raise OSError(mine.error, os.strerror(mine.error), str(self._directory))

    def _do(self, mine: _Round) -> None:
        try:
            self._fsync(self._directory)
            mine.error = None
        except OSError as problem:
            mine.error = problem.errno or errno.EIO
        finally:
            with self._changed:
                mine.has_ended = True
                self._is_under_way = False
                self._changed.notify_all()
