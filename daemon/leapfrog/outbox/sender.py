"""Sends deliveries to the district server, one after the other.

The sender sleeps while there is nothing to do and never polls. It wakes by itself when a backoff has passed. It is
woken by whoever adds a delivery (after the commit), when a sync window opens or closes, by `sync_now` and by `stop`.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from leapfrog.errors import (
    CannotBeRenamed,
    DistrictLocked,
    DistrictRefused,
    DistrictUnclear,
    DistrictUnreachable,
    LeapfrogError,
    StorageError,
)
from leapfrog.outbox.backoff import Backoff
from leapfrog.outbox.destinations.dicomweb.client import StowClient
from leapfrog.outbox.destinations.dicomweb.connection import Timeouts
from leapfrog.outbox.destinations.dicomweb.multipart import Throttle
from leapfrog.outbox.link import NOT_CONFIGURED, Link, LinkState, OutboxState
from leapfrog.outbox.schedule import SyncWindows
from leapfrog.settings import DistrictSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.outgoing import source_of
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.spool import Spool
from leapfrog.worker import UNTIL_WOKEN, Worker

LINK_BACKOFF = Backoff(first_seconds=5.0, cap_seconds=300.0)
DELIVERY_BACKOFF = Backoff(first_seconds=15.0, cap_seconds=3600.0)
# If one instance is not confirmed, the instance is probably to blame. After this many in a row it is the server, whose
# disk may be full.
UNCLEAR_IN_A_ROW = 3
# The longest Retry-After of a server that we respect.
LONGEST_RETRY_AFTER_SECONDS = 3600.0
# The longest time between two signs of life before a turn reaches the network. There, the wait for an answer is added;
# this covers looking up a name and connecting.
STEP_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timing:
    """How long the sender waits before it tries again."""

    link: Backoff = LINK_BACKOFF
    delivery: Backoff = DELIVERY_BACKOFF
    locked_seconds: float = 300.0


@dataclass(frozen=True)
class _Deferred:
    failures: int
    due_at: float


class _Stopped(Exception):
    """The box is stopping in the middle of a transfer."""


class Sender(Worker):
    """Sends the deliveries: urgent ones first, then the oldest.

    If the link fails, nothing is tried until its backoff has passed; then one query must prove the link before anything
    else is sent. If a single delivery fails, only that one is deferred and the others go on.
    """

    def __init__(
        self,
        settings: DistrictSettings,
        deliveries: Deliveries,
        spool: Spool,
        on_fatal: Callable[[str], None],
        timing: Timing | None = None,
        timeouts: Timeouts | None = None,
        windows: SyncWindows | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_fatal` is called with the reason when the sender cannot continue. `windows` defaults to those of
        `settings`.
        """
        super().__init__("outbox")
        self._configured = bool(settings.url)
        self._deliveries = deliveries
        self._spool = spool
        self._on_fatal = on_fatal
        self._timing = timing or Timing()
        self._timeouts = timeouts or Timeouts()
        self._monotonic = monotonic
        self._sync_requested = threading.Event()
        self._windows = windows or SyncWindows(settings.windows, self.wake)
        throttle = Throttle(settings.bytes_per_second, self._stopping.wait, monotonic)
        self._client = StowClient(settings, throttle, self._progress, self._timeouts)
        self._link = Link()
        self._deferred: dict[str, _Deferred] = {}
        self._unclear_in_a_row = 0
        self._forced = False  # during a pass that `sync_now` started, which ignores the windows

    # ------------------------------------------------------------ for others

    def start(self) -> None:
        """Start sending. Does nothing if no district server is configured."""
        if self._configured:
            self._windows.start()
            super().start()

    def stop(self) -> None:
        """Cut a transfer that is running, and stop. The next start asks whether it arrived before it sends it again."""
        self._stopping.set()
        self._client.cut()
        super().stop()
        self._windows.stop()
        self._client.close()

    def look_at_clock(self) -> None:
        """Check whether setting the clock opened or closed a sync window. The thread that starts and stops this part
        must call this about once a second.
        """
        self._windows.look_at_clock()

    def sync_now(self) -> None:
        """Try to send everything that is owed once, now, regardless of windows and backoffs."""
        self._sync_requested.set()
        self.wake()

    def state(self) -> OutboxState:
        """The outbox for `status`."""
        link = self._link
        link_state = self._link_state(link)
        return OutboxState(
            configured=self._configured,
            link=link_state,
            explanation=self._explanation(link_state, link),
            last_error=link.last_error,
            next_attempt_in_seconds=self._next_attempt_in_seconds(link_state, link),
            last_confirmed_at=self._deliveries.last_confirmed_at(),
        )

    def _link_state(self, link: Link) -> LinkState:
        if not self._configured:
            return "none"
        if link.locked:
            return "locked"
        if not self._forced and not self._windows.is_open():
            return "window closed"
        return "down" if link.failures and not link.proven else "ok"

    @staticmethod
    def _explanation(state: LinkState, link: Link) -> str:
        if state == "none":
            return NOT_CONFIGURED
        if state == "window closed":
            return "outside the sync windows (district.windows): sending continues when the next one opens"
        if state == "ok":
            return "results are sent as soon as they are ready"
        return link.last_error

    def _next_attempt_in_seconds(self, state: LinkState, link: Link) -> float | None:
        if state == "none":
            return None
        if state == "window closed":
            return self._windows.seconds_until_open()
        now = self._monotonic()
        if state in ("locked", "down"):
            return max(0.0, link.due_at - now)
        due_times = [deferred.due_at for deferred in list(self._deferred.values())]
        return max(0.0, min(due_times) - now) if due_times else None

    # ------------------------------------------------------------ the worker

    def _work(self) -> None:
        try:
            super()._work()
        except _Stopped:
            _log.info("A transfer was cut off because the box is stopping.")
        except Exception as problem:
            # Only the traceback is logged: the exception's own text may quote what was sent.
            frames = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("The outbox failed with %s:\n%s", type(problem).__name__, frames)
            reason = str(problem) if isinstance(problem, LeapfrogError) else type(problem).__name__
            self._on_fatal(f"The outbox cannot continue: {reason}")

    def turn(self) -> float:
        """Try at most one delivery. Returns the seconds until the next turn."""
        self.beat(STEP_SECONDS)
        if self._sync_requested.is_set():
            self._begin_forced_pass()
        if not self._forced and not self._windows.is_open():
            return UNTIL_WOKEN
        now = self._monotonic()
        if self._link.due_at > now:
            return self._link.due_at - now
        deferred = {id_: delivery.due_at for id_, delivery in self._deferred.items() if delivery.due_at > now}
        delivery = self._deliveries.next_waiting(deferred)
        if delivery is None:
            self._forced = False
            return min(deferred.values(), default=UNTIL_WOKEN) - now
        self._work_on(delivery)
        return 0.0

    def _begin_forced_pass(self) -> None:
        self._sync_requested.clear()
        self._deferred.clear()
        self._link = replace(self._link, proven=False, locked=False, due_at=0.0)
        self._forced = True

    def _work_on(self, delivery: DeliveryRecord) -> None:
        try:
            self._ask_or_send(delivery)
        except DistrictLocked as problem:
            self._link_failed(str(problem), self._timing.locked_seconds, locked=True)
        except DistrictUnreachable as problem:
            retry_after = min(problem.retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS)
            self._link_failed(str(problem), retry_after)

    def _ask_or_send(self, delivery: DeliveryRecord) -> None:
        if delivery.posted or not self._link.proven:
            has_arrived = self._client.holds(delivery.sop_instance_uid)
            self._link_answered()
            if has_arrived and delivery.posted:
                self._confirm(delivery)
                return
        self._send(delivery)

    def _send(self, delivery: DeliveryRecord) -> None:
        try:
            source = source_of(self._spool, delivery)
        except (StorageError, CannotBeRenamed) as problem:
            self._refuse(delivery, str(problem))
            return
        self._deliveries.mark_posted(delivery.id)
        try:
            self._client.store(source, delivery.sop_instance_uid)
        except (DistrictUnreachable, DistrictLocked) as problem:
            self._defer(delivery, str(problem))
            raise
        except (DistrictRefused, DistrictUnclear) as problem:
            self._settle_by_asking(delivery, problem)
        except StorageError as problem:
            self._refuse(delivery, str(problem))
        else:
            self._confirm(delivery)

    def _settle_by_asking(self, delivery: DeliveryRecord, problem: DistrictRefused | DistrictUnclear) -> None:
        """Ask whether the instance is there after all: it may have arrived now or before, without a confirmation. And a
        refusal only counts if the query proves that it came from the district server, not from something in between.
        """
        try:
            has_arrived = self._client.holds(delivery.sop_instance_uid)
        except (DistrictUnreachable, DistrictLocked):
            self._defer(delivery, str(problem))
            raise
        if has_arrived:
            self._confirm(delivery)
        elif isinstance(problem, DistrictRefused):
            self._refuse(delivery, str(problem))
        else:
            self._defer(delivery, str(problem))
            self._unclear_in_a_row += 1
            if self._unclear_in_a_row >= UNCLEAR_IN_A_ROW:
                self._link_failed(str(problem))

    # ------------------------------------------------------------ outcomes

    def _confirm(self, delivery: DeliveryRecord) -> None:
        self._deliveries.confirm(delivery.id)
        self._settled(delivery)
        self._link = Link(proven=True)

    def _refuse(self, delivery: DeliveryRecord, reason: str) -> None:
        _log.warning("Delivery %s is on hold until a person retries or dismisses it: %s", delivery.id, reason)
        self._deliveries.refuse(delivery.id, reason)
        self._settled(delivery)
        self._link = replace(self._link, failures=0, last_error=reason)

    def _settled(self, delivery: DeliveryRecord) -> None:
        self._deferred.pop(delivery.id, None)
        self._unclear_in_a_row = 0

    def _defer(self, delivery: DeliveryRecord, reason: str) -> None:
        _log.warning("Delivery %s is tried again later: %s", delivery.id, reason)
        self._deliveries.note_failure(delivery.id, reason)
        failures = self._deferred.get(delivery.id, _Deferred(0, 0.0)).failures + 1
        due_at = self._monotonic() + self._timing.delivery.seconds(failures)
        self._deferred[delivery.id] = _Deferred(failures, due_at)
        self._link = replace(self._link, last_error=reason)

    def _link_answered(self) -> None:
        if self._link.failures and not self._link.proven:
            _log.info("The district server is answering again.")
        self._link = replace(self._link, proven=True, locked=False)

    def _link_failed(self, reason: str, at_least_seconds: float = 0.0, *, locked: bool = False) -> None:
        failures = self._link.failures + 1
        wait_seconds = max(at_least_seconds, self._timing.link.seconds(failures))
        if reason != self._link.last_error or failures == 1:
            _log.warning("Sending is paused: %s", reason)
        self._link = Link(locked=locked, failures=failures, due_at=self._monotonic() + wait_seconds, last_error=reason)
        self._forced = False

    def _progress(self) -> None:
        """Called by the client whenever bytes are about to move."""
        if not self.beat(self._timeouts.answer_seconds + STEP_SECONDS):
            raise _Stopped
