"""What is wrong with the district server and what is owed to it, for people: since when, and what to do."""

import time
from collections.abc import Callable

from leapfrog.outbox.attempt import NOT_COMPARED, OTHER_CONTENT
from leapfrog.problem import Problem, Problems
from leapfrog.state.delivery_queue import DeliveryQueue

LONG_SECONDS = 24 * 3600.0

CANNOT_BE_ASKED = (
    "The district server cannot be asked what it holds. Its answers to what is sent have to do, and whatever gets no"
    " answer is sent again."
)
LISTS_NOTHING = "The district server says that it stores what is sent, but its search does not list it."
ALLOW_SEARCH = "On the district server, turn its search (QIDO-RS) on and allow this box's account to use it."

_LINK, _LOGIN, _SEARCH, _SILENT = "link", "login", "search", "silent search"


class Trouble:
    """The district's list of problems. Any thread may ask for it; one thread notes what happens."""

    def __init__(self, queue: DeliveryQueue, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing is wrong yet, except what the queue says."""
        self._queue = queue
        self._monotonic = monotonic
        self._problems = Problems()
        self._failing_since: float | None = None

    def link_failed(self, reason: str, *, locked: bool) -> None:
        """Nothing can be sent now, for `reason`."""
        if self._failing_since is None:
            self._failing_since = self._monotonic()
        self._problems.clear(_LINK if locked else _LOGIN)
        if locked:
            self._problems.add(
                _LOGIN,
                f"Nothing can be sent to the district. {reason}",
                "If you correct it on the server or in the password or token file, run `leapfrog sync`; if you correct"
                " it in the settings, restart Leapfrog.",
            )
        elif self._monotonic() - self._failing_since < LONG_SECONDS:
            self._problems.add(
                _LINK,
                f"Nothing can be sent to the district at present. {reason}",
                "Nothing is lost, and sending goes on by itself; `leapfrog sync` tries it at once.",
            )
        else:
            self._problems.add(
                _LINK,
                f"Nothing could be sent to the district for more than a day. {reason}",
                "Nothing is lost. Tell whoever looks after the link or the district server, then run `leapfrog sync`.",
            )

    def link_works(self) -> None:
        """The district took or refused something, or nothing is to be sent."""
        self._failing_since = None
        self._problems.clear(_LINK)
        self._problems.clear(_LOGIN)

    def search_is(self, *, missing: bool, silent: bool) -> None:
        """Whether the district has no search, or one that does not list what it stored."""
        for matter, what, is_so in ((_SEARCH, CANNOT_BE_ASKED, missing), (_SILENT, LISTS_NOTHING, silent)):
            if is_so:
                self._problems.add(matter, what, ALLOW_SEARCH)
            else:
                self._problems.clear(matter)

    def current(self) -> tuple[Problem, ...]:
        """Everything that is wrong now."""
        return (*self._problems.current(), *self._on_hold())

    def _on_hold(self) -> tuple[Problem, ...]:
        total = self._queue.on_hold()
        if not total:
            return ()
        found = [
            Problem(
                what=f"Deliveries on hold: {total}. They could not be delivered, and are kept until a person decides.",
                since=self._queue.on_hold_since() or "",
                remedy="See the reasons with `leapfrog status`; then `leapfrog retry ID` or `leapfrog dismiss ID`.",
            )
        ]
        for reason in (OTHER_CONTENT, NOT_COMPARED):
            since = self._queue.on_hold_since(reason)
            if since is not None:
                what, _, remedy = reason.partition(". ")
                found.append(Problem(what=f"{what}.", since=since, remedy=remedy))
        return tuple(found)
