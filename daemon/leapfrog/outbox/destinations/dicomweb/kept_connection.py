"""Whether the connection of one exchange serves for the next.

Servers close one that is idle, Orthanc after 1 s. On a link of long round trips that may be before the next request is
there, however soon it was sent.
"""

import time

# One that was idle for longer might be closed just as we begin to send.
KEEP_SECONDS = 0.7
# What fails within so long on a kept connection may have failed because that was closed: it goes again on a new one.
CLOSED_SHOWS_SECONDS = 15.0
# After so many in a row none is kept, until so many exchanges had each a connection of its own.
MOST_CLOSED_IN_A_ROW = 2
UNKEPT_EXCHANGES = 100


class Keeping:
    """The connection to one server, and what was found out of how long it keeps one. For one thread."""

    def __init__(self) -> None:
        """There is none yet."""
        self._answered_at: float | None = None  # None: there is no connection
        self._closed_in_a_row = 0
        self._unkept = 0

    @property
    def is_kept(self) -> bool:
        """Whether there is a connection that what comes now should use."""
        if self._answered_at is None or self._closed_in_a_row >= MOST_CLOSED_IN_A_ROW:
            return False
        return time.monotonic() - self._answered_at <= KEEP_SECONDS

    def begin(self) -> "KeptConnection":
        """An exchange begins."""
        return KeptConnection(self, is_kept=self.is_kept)

    def answered(self) -> None:
        """An exchange had its whole answer."""
        self._answered_at = time.monotonic()

    def broke_off(self) -> None:
        """The connection is gone."""
        self._answered_at = None

    def was_closed(self) -> None:
        """One that was kept turned out to be closed."""
        self._closed_in_a_row += 1
        self._unkept = 0

    def served(self, *, was_kept: bool) -> None:
        """One served, be it kept or new."""
        self._unkept = 0 if was_kept else self._unkept + 1
        if was_kept or self._unkept >= UNKEPT_EXCHANGES:
            self._closed_in_a_row = 0


class KeptConnection:
    """That of one exchange, from its beginning."""

    def __init__(self, keeping: Keeping, *, is_kept: bool) -> None:
        """`is_kept`: it is the one of the exchange before."""
        self._keeping = keeping
        self._is_kept = is_kept
        self._begun_at = time.monotonic()

    def served(self) -> None:
        """The exchange went well."""
        self._keeping.served(was_kept=self._is_kept)

    def was_closed(self) -> bool:
        """Called when the exchange failed: whether that may be because the server had closed the connection."""
        if not self._is_kept or time.monotonic() - self._begun_at > CLOSED_SHOWS_SECONDS:
            return False
        self._keeping.was_closed()
        return True
