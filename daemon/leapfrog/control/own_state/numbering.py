"""Numbers the states of this box, so that its district knows which of two is the later.

How far the numbers go stands in two places, since either may be lost: in the journal, and in a file beside the
station's key. Both may be of before: a backup was restored. So the numbers also go on from at least the second since
1970 in which the box started, which is more than it has sent states in its life.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from leapfrog.durable import write_durably
from leapfrog.state.facts import put
from leapfrog.state.journal import Journal
from leapfrog.state.station.station_key import make_station_folder, own_as, station_folder

FILE_NAME = "box_state_sequence"  # beside the station's key
FACT = "box_state_sequence"  # the same in the journal

_log = logging.getLogger(__name__)


class Numbering:
    """One thread at a time may call it."""

    def __init__(self, journal: Journal, state_dir: Path, *, synchronised: Callable[[], bool]) -> None:
        """`synchronised`: whether something keeps the clock right."""
        self._journal = journal
        self._file = station_folder(state_dir) / FILE_NAME
        self._synchronised = synchronised
        self._started, self._started_at = time.monotonic(), time.time()

    def next(self) -> int:
        """A number larger than all before. Raises StorageError, sqlite3.Error."""
        first = max(self._in_file() + 1, int(self._start()))
        with self._journal.transaction() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (FACT,)).fetchone()
            number = max(first, int(row["value"]) + 1 if row else 0)
            put(connection, FACT, str(number))
        self._note(number)
        return number

    def _start(self) -> float:
        """When the box started. A clock that was wrong then says so late, once it is kept right. One that is ahead for
        a while and kept by nobody does no harm.
        """
        if self._synchronised():
            self._started_at = time.time() - (time.monotonic() - self._started)
        return self._started_at

    def _in_file(self) -> int:
        with suppress(OSError, ValueError):
            return int(self._file.read_bytes())
        return 0

    def _note(self, number: int) -> None:
        """In the file too. Where that fails, the journal has it: nothing needs to stop for the second place."""
        try:
            make_station_folder(self._file.parent)
            write_durably(self._file, str(number).encode())
            own_as(self._file, self._file.parent)
        except OSError as problem:
            _log.warning("%s cannot be written: %s.", self._file, problem.strerror)
