"""Sends deliveries to the district server, one after the other.

The sender sleeps while there is nothing to do and never polls. It wakes by itself when a backoff has passed. It is
woken by whoever adds a delivery (after the commit), when a sync window opens or closes, by `sync_now` and by `stop`.
"""

import logging
import sqlite3
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from leapfrog.errors import (
    DistrictError,
    DistrictLocked,
    DistrictUnreachable,
    JournalError,
    LeapfrogError,
    StorageError,
)
from leapfrog.outbox.attempt import Attempts
from leapfrog.outbox.backoff import Backoff
from leapfrog.outbox.choice import Choice
from leapfrog.outbox.courier import Verdict
from leapfrog.outbox.destinations.dicomweb.client import StowClient
from leapfrog.outbox.destinations.dicomweb.connection import Timeouts
from leapfrog.outbox.link import NOT_CONFIGURED, Link, LinkState, OutboxState
from leapfrog.outbox.pace import Pace
from leapfrog.outbox.precedence import Precedence
from leapfrog.outbox.schedule import SyncWindows
from leapfrog.outbox.throttle import Throttle
from leapfrog.outbox.trouble import Trouble
from leapfrog.problem import Problem
from leapfrog.settings import DistrictSettings
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.delivery_queue import RANKS, DeliveryQueue, rank_of
from leapfrog.state.facts import Facts
from leapfrog.state.known_instances import KnownInstances
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.spool import Spool
from leapfrog.worker import UNTIL_WOKEN, Worker

LINK_BACKOFF = Backoff(first_seconds=5.0, cap_seconds=300.0)
DELIVERY_BACKOFF = Backoff(first_seconds=15.0, cap_seconds=3600.0)
# While a server answers, but fails over one instance after the other: until one is found that it takes, or all were
# tried.
PROBE_BACKOFF = Backoff(first_seconds=5.0, cap_seconds=20.0)
# If one instance is not confirmed, the instance is probably to blame. After this many in a row it may be the server,
# whose disk may be full.
UNCLEAR_IN_A_ROW = 3
# If one is refused without a reason that concerns it, that may be so. After this many in a row, none counts.
DOUBTFUL_IN_A_ROW = 5
# A delivery during which something answered wrongly loses its turn when that happens to it so often in a row.
FAILURES_AT_HAND = 2
# An error of ours over one delivery is met so often; then that delivery is on hold.
OWN_ERRORS = 2
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
    probe: Backoff = PROBE_BACKOFF
    delivery: Backoff = DELIVERY_BACKOFF
    locked_seconds: float = 300.0


class _Stopped(LeapfrogError):
    """The box is stopping in the middle of a transfer."""


class Sender(Worker):
    """Sends the deliveries: urgent ones first, then the oldest.

    If the link fails, nothing is tried until its backoff has passed; then one query must prove the link before anything
    else is sent. If a single delivery fails, only that one is put off and the others go on. If several fail in a row,
    it may be the server or just these: then a delivery from elsewhere is tried after each backoff, and the first that
    succeeds clears the server.
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
        *,
        ranks: Sequence[int] = RANKS,
        precedence: Precedence | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        """`on_fatal` is called with the reason when the sender cannot continue. `windows` defaults to those of
        `settings`. It sends what has one of `ranks`; `precedence` and `throttle` hold for all senders together.
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
        self._precedence = precedence or Precedence()
        throttle = throttle or Throttle(settings.bytes_per_second, monotonic)
        self._pace = Pace(throttle, self._progress, self._stopping.wait)
        self._client = StowClient(settings, self._pace, self._timeouts)
        self._link = Link()
        self._queue = DeliveryQueue(deliveries.journal, DISTRICT, ranks)
        self._choice = Choice(self._queue, monotonic)
        known = KnownInstances(deliveries.journal)
        self._attempts = Attempts(self._client, deliveries, spool, known, self._link_answered)
        self._trouble = Trouble(self._queue, Facts(deliveries.journal), monotonic)
        self._paused_over_instances_at: float | None = None  # time.monotonic(); a pause that others caused is not one
        self._failures_in_a_row = 0  # of instances, while the server answers
        self._doubtful: list[str] = []  # on hold since the last confirmation, without a reason that concerns them
        self._at_hand, self._failures_at_hand = "", 0
        self._own_errors: Counter[str] = Counter()
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
            failing_since=self._trouble.since(),
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
        due_at = self._queue.soonest_retry()
        return None if due_at is None else max(0.0, due_at - now)

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the district, for `status`, `doctor` and the worklist."""
        return self._trouble.current() if self._configured else ()

    # ------------------------------------------------------------ the worker

    def _work(self) -> None:
        try:
            self._queue.make_all_due()  # the moments there are of the clock of another process
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
        if (wait := self._link_due_at() - now) > 0:
            return wait
        delivery = self._choice.next(probing=self._failures_in_a_row >= UNCLEAR_IN_A_ROW)
        if delivery is None:
            return self._until_next_retry()
        with self._precedence.turn(rank_of(delivery)) as turn, self._pace.keeping(turn):
            self._work_on(delivery)
        self._choice.took(delivery, self._monotonic() - now)
        return 0.0

    def _link_due_at(self) -> float:
        """When sending may go on. The server may fail over those that it was sent and take others: so one that was
        never tried, such as a film that has just come, ends a long pause.
        """
        if self._paused_over_instances_at is None or self._queue.next_fresh() is None:
            return self._link.due_at
        return min(self._link.due_at, self._paused_over_instances_at + self._timing.probe.cap_seconds)

    def _until_next_retry(self) -> float:
        self._forced = False
        due_at = self._queue.soonest_retry()
        if due_at is None:
            self._trouble.link_works()  # as far as anybody is concerned
            return UNTIL_WOKEN
        return max(0.0, due_at - self._monotonic())

    def _begin_forced_pass(self) -> None:
        self._sync_requested.clear()
        self._queue.make_all_due()
        self._link = replace(self._link, proven=False, locked=False, due_at=0.0)
        self._forced = True

    def _work_on(self, delivery: DeliveryRecord) -> None:
        try:
            verdict = self._attempts.make(delivery, proven=self._link.proven)
            self._settle(delivery, verdict)
        except DistrictLocked as problem:
            self._failed_at(delivery, str(problem))
            self._link_failed(str(problem), self._timing.locked_seconds, locked=True)
        except DistrictUnreachable as problem:
            if problem.was_connected:
                self._failed_at(delivery, str(problem))
            else:
                self._queue.note_failure(delivery.id, str(problem))
            self._link_failed(str(problem), min(problem.retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS))
        except DistrictError as problem:
            self._settle(delivery, Verdict("unclear", str(problem)))
        except (StorageError, sqlite3.Error, _Stopped):
            raise  # the state disk failed, or the box is stopping
        except JournalError:
            self._put_off(delivery, "")  # somebody else ended it meanwhile: then this does nothing
        except Exception as problem:
            self._met_own_error(delivery, problem)
        self._trouble.search_is(missing=self._client.has_no_search, silent=self._attempts.search_is_silent)

    def _failed_at(self, delivery: DeliveryRecord, reason: str) -> None:
        """Mostly it is the server. But a server, or a guard before it, may fail over just what this delivery says: then
        it must not stand before the others for ever.
        """
        self._failures_in_a_row += 1
        self._failures_at_hand = self._failures_at_hand + 1 if self._at_hand == delivery.id else 1
        self._at_hand = delivery.id
        if self._failures_at_hand >= FAILURES_AT_HAND:
            self._put_off(delivery, reason)
        else:
            self._queue.note_failure(delivery.id, reason)

    def _met_own_error(self, delivery: DeliveryRecord, problem: Exception) -> None:
        """An error of ours over one delivery must not end the box: it would end it again at each start."""
        # Only the traceback is logged: the exception's own text may quote what was sent.
        frames = "".join(traceback.format_tb(problem.__traceback__))
        _log.error("Sending delivery %s failed with %s:\n%s", delivery.id, type(problem).__name__, frames)
        self._own_errors[delivery.id] += 1
        reason = f"This box cannot send it ({type(problem).__name__}): tell whoever looks after Leapfrog."
        if self._own_errors[delivery.id] < OWN_ERRORS:
            self._put_off(delivery, reason)
            return
        del self._own_errors[delivery.id]
        self._refuse(delivery, reason)

    # ------------------------------------------------------------ outcomes

    def _settle(self, delivery: DeliveryRecord, verdict: Verdict) -> None:
        if verdict.outcome == "confirmed":
            self._confirm(delivery)
        elif verdict.outcome == "refused":
            self._refuse(delivery, verdict.reason)
        elif verdict.outcome == "doubtful":
            self._refuse_doubtfully(delivery, verdict.reason)
        else:
            self._put_off(delivery, verdict.reason)
            # Some servers list a new instance only after a while.
            if verdict.outcome == "unclear" or delivery.failures:
                self._one_more_failed(verdict.reason)

    def _confirm(self, delivery: DeliveryRecord) -> None:
        self._deliveries.confirm(delivery.id)
        self._server_is_well()
        self._doubtful.clear()
        self._link = Link(proven=True)

    def _refuse(self, delivery: DeliveryRecord, reason: str) -> None:
        _log.warning("Delivery %s is on hold until a person retries or dismisses it: %s", delivery.id, reason)
        self._deliveries.refuse(delivery.id, reason)
        self._server_is_well()
        self._link = replace(self._link, failures=0, last_error=reason)

    def _server_is_well(self) -> None:
        self._failures_in_a_row = 0
        self._at_hand, self._failures_at_hand = "", 0
        self._trouble.link_works()

    def _refuse_doubtfully(self, delivery: DeliveryRecord, reason: str) -> None:
        """One refusal without a reason counts. Many in a row, with nothing confirmed in between, mean the server: they
        are taken back, and none counts until it takes something. What is refused again after that stays refused.
        """
        if self._failures_in_a_row >= UNCLEAR_IN_A_ROW:
            self._put_off(delivery, reason)
            self._one_more_failed(reason)
            return
        self._refuse(delivery, reason)
        if delivery.failures:
            return
        self._doubtful.append(delivery.id)
        if len(self._doubtful) >= DOUBTFUL_IN_A_ROW:
            self._queue.take_back(self._doubtful, self._monotonic() + self._timing.delivery.seconds(1))
            self._doubtful.clear()
            self._failures_in_a_row = UNCLEAR_IN_A_ROW
            self._link_failed(reason)

    def _one_more_failed(self, reason: str) -> None:
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= UNCLEAR_IN_A_ROW and not self._forced:  # a person wants each of them tried once
            untried = self._queue.next_fresh() is not None
            self._link_failed(reason, backoff=self._timing.probe if untried else self._timing.link)
            self._paused_over_instances_at = self._monotonic()

    def _put_off(self, delivery: DeliveryRecord, reason: str) -> None:
        _log.warning("Delivery %s is tried again later: %s", delivery.id, reason)
        due_at = self._monotonic() + self._timing.delivery.seconds(delivery.failures + 1)
        self._queue.put_off(delivery.id, reason, due_at)
        self._link = replace(self._link, last_error=reason)

    def _link_answered(self) -> None:
        if self._link.failures and not self._link.proven:
            _log.info("The district server is answering again.")
        self._link = replace(self._link, proven=True, locked=False)

    def _link_failed(
        self, reason: str, at_least_seconds: float = 0.0, *, locked: bool = False, backoff: Backoff | None = None
    ) -> None:
        failures = self._link.failures + 1
        wait_seconds = max(at_least_seconds, (backoff or self._timing.link).seconds(failures))
        if reason != self._link.last_error or failures == 1:
            _log.warning("Sending is paused: %s", reason)
        self._link = Link(locked=locked, failures=failures, due_at=self._monotonic() + wait_seconds, last_error=reason)
        self._paused_over_instances_at = None
        self._trouble.link_failed(reason, locked=locked)
        self._forced = False

    def _progress(self) -> None:
        """Called by the client whenever bytes are about to move."""
        if not self.beat(self._timeouts.answer_seconds + STEP_SECONDS):
            raise _Stopped
