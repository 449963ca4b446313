"""Numbers the states of this box, so that its district knows which of two is the later.

How far the numbers go stands in a file beside the station's key, with which they are signed: it outlives the journal,
and whoever loses it has lost the key too, and begins anew with another. It may be of before, where a backup was
restored. So the numbers also go on from at least the second since 1970 in which the box started: more than it has sent
states so far.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from leapfrog.durable import write_durably
from leapfrog.state.station.station_key import make_station_folder, own_as, station_folder

FILE_NAME = "box_state_sequence"  # beside the station's key

_log = logging.getLogger(__name__)


class Numbering:
    """One thread at a time may call it."""

    def __init__(self, state_dir: Path, *, synchronised: Callable[[], bool]) -> None:
        """`synchronised`: whether something keeps the clock right."""
        self._file = station_folder(state_dir) / FILE_NAME
        self._synchronised = synchronised
        self._started, self._started_at = time.monotonic(), time.time()
        self._last = 0

    def next(self) -> int:
        """A number larger than all before. It raises nothing: a box whose disk is full must be heard of, too."""
        self._last = max(self._last + 1, self._in_file() + 1, int(self._start()))
        try:
            make_station_folder(self._file.parent)
            write_durably(self._file, str(self._last).encode())
            own_as(self._file, self._file.parent)
        except OSError as problem:
            # The second in which the box starts next will be more than this number.
            _log.warning("%s cannot be written: %s.", self._file, problem.strerror)
        return self._last

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
