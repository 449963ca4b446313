"""The part that brings deliveries to the district server, one after the other.

It sleeps while there is nothing to do, and looks at nothing now and then. It rises by itself when a backoff has passed,
and is woken by whoever makes a delivery waiting (after the commit), by the edges of the sync windows, by `sync_now` and
by `stop`.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from leapfrog.dicom.part10 import part10_source
from leapfrog.errors import (
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
from leapfrog.outbox.link import NOT_CONFIGURED, Link, LinkWord, OutboxState
from leapfrog.outbox.schedule import SyncWindows
from leapfrog.settings import DistrictSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.spool import Spool
from leapfrog.worker import UNTIL_WOKEN, Worker

LINK_BACKOFF = Backoff(first_seconds=5.0, cap_seconds=300.0)
DELIVERY_BACKOFF = Backoff(first_seconds=15.0, cap_seconds=3600.0)
# One instance that is not confirmed is the instance's fault, several in a row are the server's: its disk may be full.
UNCLEAR_IN_A_ROW = 3
# A server may ask for any patience; ours ends here.
LONGEST_RETRY_AFTER_SECONDS = 3600.0
# For how long a turn's sign of life holds before it comes to the network, and beyond the wait for an answer there
# (looking up a name, connecting).
STEP_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timing:
    """When the sender tries again."""

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
    """Works the deliveries off: urgent ones first, then in the order in which they came.

    Where the link is at fault nothing is tried until its backoff has passed, then one question proves it before the
    rest goes out. Where one delivery is at fault it alone is deferred and the others go on.
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
        """`on_fatal` is told why when the sender cannot go on. `windows` defaults to those of `settings`."""
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
        self._forced = False  # a pass that `sync_now` asked for: no window holds it back

    # ------------------------------------------------------------ for others

    def start(self) -> None:
        """Begin to send. With no district server configured nothing is started."""
        if self._configured:
            self._windows.start()
            super().start()

    def stop(self) -> None:
        """Cut what is under way and end; what was cut is asked for at the next start before it is sent again."""
        self._stopping.set()
        self._client.cut()
        super().stop()
        self._windows.stop()
        self._client.close()

    def look_at_clock(self) -> None:
        """To be called every second or so, by the thread that starts and stops this part: a clock that was set may have
        opened or closed a sync window.
        """
        self._windows.look_at_clock()

    def sync_now(self) -> None:
        """Try everything that is owed once now, whatever the window and the backoff say."""
        self._sync_requested.set()
        self.wake()

    def state(self) -> OutboxState:
        """What `status` says of the outbox."""
        link = self._link
        word = self._link_word(link)
        return OutboxState(
            configured=self._configured,
            link=word,
            explanation=self._explanation(word, link),
            last_error=link.last_error,
            next_attempt_in_seconds=self._next_attempt_in_seconds(word, link),
            last_confirmed_at=self._deliveries.last_confirmed_at(),
        )

    def _link_word(self, link: Link) -> LinkWord:
        if not self._configured:
            return "none"
        if link.locked:
            return "locked"
        if not self._forced and not self._windows.is_open():
            return "window closed"
        return "down" if link.failures and not link.proven else "ok"

    @staticmethod
    def _explanation(word: LinkWord, link: Link) -> str:
        if word == "none":
            return NOT_CONFIGURED
        if word == "window closed":
            return "outside the sync windows (district.windows): what is owed waits for the next one"
        if word == "ok":
            return "sending as things come"
        return link.last_error

    def _next_attempt_in_seconds(self, word: LinkWord, link: Link) -> float | None:
        if word == "none":
            return None
        if word == "window closed":
            return self._windows.seconds_until_open()
        now = self._monotonic()
        if word in ("locked", "down"):
            return max(0.0, link.due_at - now)
        dues = [deferred.due_at for deferred in list(self._deferred.values())]
        return max(0.0, min(dues) - now) if dues else None

    # ------------------------------------------------------------ the worker

    def _work(self) -> None:
        try:
            super()._work()
        except _Stopped:
            _log.info("A transfer was cut because the box stops.")
        except Exception as problem:
            # The traceback without the exceptions' own texts: those of libraries may quote what was sent.
            frames = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("The outbox ended: %s\n%s", type(problem).__name__, frames)
            words = str(problem) if isinstance(problem, LeapfrogError) else type(problem).__name__
            self._on_fatal(f"The outbox cannot go on: {words}")

    def turn(self) -> float:
        """Work on at most one delivery."""
        self.beat(STEP_SECONDS)
        if self._sync_requested.is_set():
            self._begin_forced_pass()
        if not self._forced and not self._windows.is_open():
            return UNTIL_WOKEN
        now = self._monotonic()
        if self._link.due_at > now:
            return self._link.due_at - now
        deferred = {id_: each.due_at for id_, each in self._deferred.items() if each.due_at > now}
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
            asked_for = min(problem.retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS)
            self._link_failed(str(problem), asked_for)

    def _ask_or_send(self, delivery: DeliveryRecord) -> None:
        if delivery.posted or not self._link.proven:
            held = self._client.holds(delivery.sop_instance_uid)
            self._link_answered()
            if held and delivery.posted:
                self._confirm(delivery)
                return
        self._send(delivery)

    def _send(self, delivery: DeliveryRecord) -> None:
        try:
            path = self._spool.path(delivery.spool_name or "")
            source = part10_source(path, delivery.sop_class_uid, delivery.sop_instance_uid)
        except StorageError as problem:
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
        """What was not confirmed may have arrived all the same, now or before; and a refusal counts only if the
        question proves that it came from the district server and not from something on the way.
        """
        try:
            held = self._client.holds(delivery.sop_instance_uid)
        except (DistrictUnreachable, DistrictLocked):
            self._defer(delivery, str(problem))
            raise
        if held:
            self._confirm(delivery)
        elif isinstance(problem, DistrictRefused):
            self._refuse(delivery, str(problem))
        else:
            self._defer(delivery, str(problem))
            self._unclear_in_a_row += 1
            if self._unclear_in_a_row >= UNCLEAR_IN_A_ROW:
                self._link_failed(str(problem))

    # ------------------------------------------------------------ what became of it

    def _confirm(self, delivery: DeliveryRecord) -> None:
        self._deliveries.confirm(delivery.id)
        self._settled(delivery)
        self._link = Link(proven=True)

    def _refuse(self, delivery: DeliveryRecord, reason: str) -> None:
        _log.warning("Delivery %s is parked: %s", delivery.id, reason)
        self._deliveries.refuse(delivery.id, reason)
        self._settled(delivery)
        self._link = replace(self._link, failures=0, last_error=reason)

    def _settled(self, delivery: DeliveryRecord) -> None:
        self._deferred.pop(delivery.id, None)
        self._unclear_in_a_row = 0

    def _defer(self, delivery: DeliveryRecord, reason: str) -> None:
        _log.warning("Delivery %s waits: %s", delivery.id, reason)
        self._deliveries.note_failure(delivery.id, reason)
        before = self._deferred.get(delivery.id, _Deferred(0, 0.0))
        failures = before.failures + 1
        due_at = self._monotonic() + self._timing.delivery.seconds(failures)
        self._deferred[delivery.id] = _Deferred(failures, due_at)
        self._link = replace(self._link, last_error=reason)

    def _link_answered(self) -> None:
        if self._link.failures and not self._link.proven:
            _log.info("The district server answers.")
        self._link = replace(self._link, proven=True, locked=False)

    def _link_failed(self, reason: str, at_least_seconds: float = 0.0, *, locked: bool = False) -> None:
        failures = self._link.failures + 1
        wait_seconds = max(at_least_seconds, self._timing.link.seconds(failures))
        if reason != self._link.last_error or failures == 1:
            _log.warning("Nothing is sent for now: %s", reason)
        self._link = Link(locked=locked, failures=failures, due_at=self._monotonic() + wait_seconds, last_error=reason)
        self._forced = False

    def _progress(self) -> None:
        """Called by the client whenever bytes are about to move."""
        if not self.beat(self._timeouts.answer_seconds + STEP_SECONDS):
            raise _Stopped
