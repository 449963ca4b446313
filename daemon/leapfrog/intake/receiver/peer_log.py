"""One line a minute for each address: whoever connects without end must not fill the disk with the log of it."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

LINE_SECONDS = 60.0
# Addresses that have lines of their own within a minute; whoever has more (IPv6 gives everybody billions) shares one.
MOST_ADDRESSES = 100
OTHERS = "other addresses"


@dataclass
class _Minute:
    """What was said of an address since `began`, and how many lines were left out."""

    began: float
    left_out: int = 0


class PeerLog:
    """What the log says of peers. Any thread may call it."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        """Writes to `log`."""
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._minutes: dict[str, _Minute] = {}  # by address, the oldest first

    def write(self, address: str, level: int, line: str) -> None:
        """Log `line` about the peer at `address`, or count it, when there was one within the last minute."""
        with self._lock:
            key = address if address in self._minutes or len(self._minutes) < MOST_ADDRESSES else OTHERS
            minute = self._minutes.get(key)
            if minute is not None and self._clock() - minute.began < LINE_SECONDS:
                minute.left_out += 1
                return
            self._minutes.pop(key, None)
            self._minutes[key] = _Minute(self._clock())
        if minute is not None:
            self._say_left_out(key, minute)
        self._log.log(level, "%s", line)

    def flush(self) -> None:
        """Say how many lines were left out in the minutes that are over. Takes no time when none is."""
        over = self._clock() - LINE_SECONDS
        with self._lock:
            ended = {key: minute for key, minute in self._minutes.items() if minute.began <= over}
            for key in ended:
                del self._minutes[key]
        for key, minute in ended.items():
            self._say_left_out(key, minute)

    def _say_left_out(self, key: str, minute: _Minute) -> None:
        if minute.left_out:
            self._log.warning("Of %s, %d more lines like the last one were left out.", key, minute.left_out)
