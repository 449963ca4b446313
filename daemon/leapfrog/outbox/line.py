"""The line to one destination: whether something can be sent over it now, and what that says of the server.

All senders of one destination share its line: what one of them finds out holds for the others.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from leapfrog.outbox.courier import Shortcoming
from leapfrog.outbox.link import Link
from leapfrog.outbox.pacing.backoff import Backoff
from leapfrog.outbox.pacing.rate import LinkRate
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.outbox.trouble import Trouble
from leapfrog.problem import Problem

# If one instance is not confirmed, the instance is probably to blame. After this many in a row it may be the server,
# whose disk may be full.
UNCLEAR_IN_A_ROW = 3
# If one is refused without a reason that concerns it, that may be so. After this many in a row, none counts.
DOUBTFUL_IN_A_ROW = 5

_log = logging.getLogger(__name__)


class Line:
    """Any thread may call it.

    If the link fails, nothing is tried until its backoff has passed; then one query must prove the link before anything
    else is sent. If several deliveries fail in a row, it may be the server or just these: then one from elsewhere is
    tried after each backoff, and the first that succeeds clears the server.
    """

    def __init__(
        self, name: str, trouble: Trouble, timing: Timing, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is known of the link yet. `name` is that of the destination; `trouble` keeps for people what is
        found.
        """
        self.rate = LinkRate()  # by what all senders together send
        self._name = name
        self._trouble = trouble
        self._timing = timing
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._link = Link()
        self._paused_over_instances_at: float | None = None  # time.monotonic(); a pause that others caused is not one
        self._failures_in_a_row = 0  # of instances, while the server answers
        self._doubtful: list[str] = []  # on hold since the last confirmation, without a reason that concerns them
        self._forced: set[object] = set()  # the senders in a pass that a person asked for, which ignores the windows

    @property
    def link(self) -> Link:
        """The link now."""
        return self._link

    @property
    def seems_mad(self) -> bool:
        """Whether the server answers, but failed over one instance after the other."""
        return self._failures_in_a_row >= UNCLEAR_IN_A_ROW

    def due_at(self, has_fresh: Callable[[], bool]) -> float:
        """When sending may go on. The server may fail over those that it was sent and take others: so one that was
        never tried, such as a film that has just come, ends a long pause.
        """
        with self._lock:
            due_at, paused_at = self._link.due_at, self._paused_over_instances_at
        if paused_at is None or not has_fresh():
            return due_at
        return min(due_at, paused_at + self._timing.probe.cap_seconds)

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the destination, for people."""
        return self._trouble.current()

    def failing_since(self) -> str:
        """Since when nothing can be sent, as local ISO text; "" while the link works."""
        return self._trouble.since()

    # ------------------------------------------------------------ a pass that a person asked for

    def begin_forced_pass(self, sender: object) -> None:
        """Try it at once, whatever was found out before, and outside the windows too."""
        with self._lock:
            self._link = replace(self._link, proven=False, locked=False, due_at=0.0)
            self._forced.add(sender)

    def end_forced_pass(self, sender: object) -> None:
        """Everything that it had was tried once."""
        with self._lock:
            self._forced.discard(sender)

    def is_forced(self, sender: object | None = None) -> bool:
        """Whether `sender`, or any of them, is in such a pass."""
        return bool(self._forced) if sender is None else sender in self._forced

    # ------------------------------------------------------------ what became of an attempt

    def answered(self) -> None:
        """Something proved that the server is there."""
        with self._lock:
            if self._link.failures and not self._link.proven:
                _log.info("The server of %s is answering again.", self._name)
            self._link = replace(self._link, proven=True, locked=False)

    def confirmed(self) -> None:
        """The server took something."""
        with self._lock:
            self._server_is_well()
            self._doubtful.clear()
            self._link = Link(proven=True)

    def refused(self, reason: str) -> None:
        """The server refused something."""
        with self._lock:
            self._server_is_well()
            self._link = replace(self._link, failures=0, last_error=reason)

    def _server_is_well(self) -> None:
        self._failures_in_a_row = 0
        self._trouble.link_works()

    def doubted(self, delivery_id: str, reason: str) -> list[str]:
        """The server refused this one, for the first time and without a reason that concerns it. Returns those whose
        refusal must be taken back, since it seems to refuse everything.
        """
        with self._lock:
            self._doubtful.append(delivery_id)
            if len(self._doubtful) < DOUBTFUL_IN_A_ROW:
                return []
            taken_back = list(self._doubtful)
            self._doubtful.clear()
            self._failures_in_a_row = UNCLEAR_IN_A_ROW
            self.failed(reason)
            return taken_back

    def put_off(self, reason: str) -> None:
        """One delivery failed, and waits for another turn."""
        with self._lock:
            self._link = replace(self._link, last_error=reason)

    def failed_at_instance(self) -> None:
        """The link failed while one delivery was on it."""
        with self._lock:
            self._failures_in_a_row += 1

    def failed_over_instance(self, reason: str, *, untried: Callable[[], bool]) -> None:
        """The server answered, and failed over one delivery: `untried` says whether there are some that it was never
        sent.
        """
        with self._lock:
            self._failures_in_a_row += 1
            if self.seems_mad and not self._forced:  # a person wants each of them tried once
                self.failed(reason, backoff=self._timing.probe if untried() else self._timing.link)
                self._paused_over_instances_at = self._monotonic()

    def failed(
        self, reason: str, at_least_seconds: float = 0.0, *, locked: bool = False, backoff: Backoff | None = None
    ) -> None:
        """Nothing can be sent now."""
        with self._lock:
            failures = self._link.failures + 1
            wait_seconds = max(at_least_seconds, (backoff or self._timing.link).seconds(failures))
            if reason != self._link.last_error or failures == 1:
                _log.warning("Sending to %s is paused: %s", self._name, reason)
            due_at = self._monotonic() + wait_seconds
            self._link = Link(locked=locked, failures=failures, due_at=due_at, last_error=reason)
            self._paused_over_instances_at = None
            self._trouble.link_failed(reason, locked=locked)
            self._forced.clear()

    def nothing_to_send(self) -> None:
        """A sender has nothing to send. If nothing waits at all, as far as anybody is concerned the link works."""
        self._trouble.nothing_to_send()

    def note_shortcomings(self, found: tuple[Shortcoming, ...]) -> None:
        """What the server was found not to do that it should."""
        self._trouble.shortcomings_are(found)
