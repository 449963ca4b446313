"""What went wrong in one round of requests to a server, each about another exam or document.

A server, or a guard before it, may fail over just one of them, for years. The others must not wait for that one. When
many in a row fail, it is the server.
"""

from leapfrog.errors import DistrictError, DistrictUnreachable

MOST_IN_A_ROW = 3


class Mishaps:
    """Of one round. For one thread."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self._last: DistrictError | None = None
        self._in_a_row = 0
        self.anything_went_well = False

    def went_well(self) -> None:
        """The server gave what it was asked for."""
        self.anything_went_well = True
        self._in_a_row = 0

    def failed(self, problem: DistrictError, *, server_is_well: bool = False) -> None:
        """One failed. Raises `problem` if the next would fare no better, unless `server_is_well`: it was just asked for
        something else.
        """
        self._last = problem
        if server_is_well:
            return
        self._in_a_row += 1
        is_link = isinstance(problem, DistrictUnreachable) and not problem.was_connected
        if is_link or self._in_a_row >= MOST_IN_A_ROW:
            raise problem

    @property
    def all_failed(self) -> DistrictError | None:
        """Why nothing went well of what was tried; None if something did, or nothing was tried."""
        return None if self.anything_went_well else self._last
