"""Sends deliveries to one destination, one after the other.

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
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from leapfrog.errors import (
    DistrictError,
    DistrictLocked,
    DistrictUnreachable,
    JournalError,
    LeapfrogError,
    StorageError,
)
from leapfrog.outbox.associations import Associations
from leapfrog.outbox.choice import Choice
from leapfrog.outbox.courier import CONFIRMED, Surroundings, TakesSeveral, Verdict
from leapfrog.outbox.destinations.couriers import courier_for
from leapfrog.outbox.forms import Forms
from leapfrog.outbox.line import Line
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.precedence import Precedence
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.outbox.told import told_of
from leapfrog.settings import DestinationSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.known_instances import KnownInstances
from leapfrog.state.records import DeliveryRecord
from leapfrog.state.sending.delivery_queue import DeliveryQueue, rank_of
from leapfrog.state.spool import Spool
from leapfrog.worker import UNTIL_WOKEN, Worker

# A delivery during which something answered wrongly loses its turn when that happens to it so often in a row.
FAILURES_AT_HAND = 2
# An error of ours over one delivery is met so often; then that delivery is on hold.
OWN_ERRORS = 2
# The longest Retry-After of a server that we respect.
LONGEST_RETRY_AFTER_SECONDS = 3600.0
# So many objects go in one request at the most, and so many bytes: by how fast the link is.
MOST_TOGETHER = 16
LEAST_TOGETHER_BYTES, MOST_TOGETHER_BYTES = 16_384, 65_536
TOGETHER_SECONDS = 2.0
# The longest time between two signs of life before a turn reaches the network. There, the wait for an answer is added;
# this covers looking up a name and connecting.
STEP_SECONDS = 60.0
# How soon to look again at an original that waits for its smaller copy.
HOLD_LOOK_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Means:
    """What all senders of the box share. `on_fatal` is called with the reason when one of them cannot continue.
    `forms`: in which form originals go; without, as they came.
    """

    deliveries: Deliveries
    spool: Spool
    windows: SyncWindows
    throttle: Throttle
    precedence: Precedence
    on_fatal: Callable[[str], None]
    timing: Timing = field(default_factory=Timing)
    timeouts: Timeouts = field(default_factory=Timeouts)
    ae_title: str = "LEAPFROG"
    handed_over: Callable[[], None] = lambda: None
    associations: Associations = field(default_factory=Associations)
    monotonic: Callable[[], float] = time.monotonic
    forms: Forms | None = None


class _Stopped(LeapfrogError):
    """The box is stopping in the middle of a transfer."""


class _Forgotten(LeapfrogError):
    """The exam is being forgotten in the middle of a transfer."""


class Sender(Worker):
    """Sends what is in one queue of a destination: what is worth most first. What it finds out of the link and of the
    server is the line's, which all senders of the destination share. If a single delivery fails, only that one is put
    off and the others go on.
    """

    def __init__(
        self, destination: DestinationSettings, queue: DeliveryQueue, line: Line, means: Means, suffix: str = ""
    ) -> None:
        """Nothing is sent before `start`. `suffix` ends the name of the thread."""
        super().__init__(f"outbox-{destination.name}{suffix}")
        self._queue = queue
        self._line = line
        self._forms = means.forms
        self._deliveries = means.deliveries
        self._windows = means.windows
        self._on_fatal = means.on_fatal
        self._timing = means.timing
        self._timeouts = means.timeouts
        self._monotonic = means.monotonic
        self._sync_requested = threading.Event()
        self._choice = Choice(queue, means.monotonic)
        self._precedence = means.precedence
        self._rate = line.rate
        self._pace = Pace(means.throttle, self._progress, means.monotonic)
        self._courier = courier_for(
            destination,
            Surroundings(
                deliveries=means.deliveries,
                spool=means.spool,
                known=KnownInstances(means.deliveries.journal),
                throttle=means.throttle,
                pace=self._pace,
                timeouts=means.timeouts,
                progress=self._progress,
                answered=line.answered,
                forms=means.forms,
                ae_title=means.ae_title,
                handed_over=means.handed_over,
                associations=means.associations,
            ),
        )
        self._in_use = means.deliveries.journal.in_use
        self._exams_at_hand: tuple[str, ...] = ()
        self._at_hand, self._failures_at_hand = "", 0
        self._own_errors: Counter[str] = Counter()

    # ------------------------------------------------------------ for others

    def cut(self) -> None:
        """Cut a transfer that is running, and begin no other. The next start asks whether it arrived before it sends it
        again.
        """
        self._stopping.set()
        self._courier.cut()

    def stop(self) -> None:
        """Cut a transfer that is running, and stop."""
        self.cut()
        super().stop()
        self._courier.close()

    def sync_now(self) -> None:
        """Try to send everything that is owed once, now, regardless of windows and backoffs."""
        self._sync_requested.set()
        self.wake()

    def soonest_retry(self) -> float | None:
        """When the first delivery that failed is due, on the monotonic clock; None when there is none."""
        return self._queue.soonest_retry()

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
            self._sync_requested.clear()
            self._queue.make_all_due()
            self._line.begin_forced_pass(self)
        if not self._line.is_forced(self) and not self._windows.is_open():
            return UNTIL_WOKEN
        now = self._monotonic()
        if (wait := self._line.due_at(self._has_fresh) - now) > 0:
            return wait
        delivery = self._choice.next(probing=self._line.seems_mad)
        if delivery is None:
            return self._until_next_retry()
        if self._forms is not None and not self._line.is_forced(self) and self._forms.is_coming(delivery):
            return HOLD_LOOK_SECONDS  # nothing is worth more now; whoever makes the copy wakes this thread
        begun_at, paused, handed_over = self._monotonic(), self._pace.paused_seconds, self._pace.handed_over_bytes
        with self._precedence.turn(rank_of(delivery)) as turn, self._pace.keeping(turn):
            self._work_on_those_left(delivery, self._others_with(delivery))
            seconds = self._monotonic() - begun_at - (self._pace.paused_seconds - paused)
        self._rate.note(self._pace.handed_over_bytes - handed_over, seconds)
        self._choice.took(delivery, self._monotonic() - now)
        return 0.0

    def _others_with(self, delivery: DeliveryRecord) -> list[DeliveryRecord]:
        """What goes along in one request: small results of its kind that wait as well. An urgent one goes alone."""
        courier = self._courier
        if not isinstance(courier, TakesSeveral) or not courier.takes_several or not self._line.link.proven:
            return []
        if delivery.urgent or delivery.posted or delivery.failures or delivery.kind == "original":
            return []
        return self._queue.alike(delivery, self._room_together(), MOST_TOGETHER - 1)

    def _room_together(self) -> int:
        """How many bytes go in one request: what a link carries so soon that one that comes next does not wait long."""
        carried = (self._rate.bytes_per_second() or 0.0) * TOGETHER_SECONDS
        return round(min(max(carried, LEAST_TOGETHER_BYTES), MOST_TOGETHER_BYTES))

    def _has_fresh(self) -> bool:
        return self._queue.next_fresh() is not None

    def _until_next_retry(self) -> float:
        self._line.end_forced_pass(self)
        due_at = self._queue.soonest_retry()
        if due_at is None:
            self._line.nothing_to_send()
            return UNTIL_WOKEN
        return max(0.0, due_at - self._monotonic())

    def _work_on_those_left(self, delivery: DeliveryRecord, others: Sequence[DeliveryRecord]) -> None:
        """Work on what no exam was forgotten of on request, and have none forgotten meanwhile."""
        keys = dict.fromkeys(one.study_key for one in (delivery, *others))
        with ExitStack() as stack:
            for key in keys:
                stack.enter_context(self._in_use.using(key, self._courier.break_off))
            there = [one for one in (delivery, *others) if self._deliveries.exists(one.id)]
            self._exams_at_hand = tuple(keys)
            try:
                if there:
                    self._work_on(there[0], there[1:])
            finally:
                self._exams_at_hand = ()

    def _work_on(self, delivery: DeliveryRecord, others: Sequence[DeliveryRecord] = ()) -> None:
        try:
            self._make(delivery, others)
        except DistrictLocked as problem:
            self._failed_at(delivery, self._told(str(problem)))
            self._line.failed(self._told(str(problem)), self._timing.locked_seconds, locked=True)
        except DistrictUnreachable as problem:
            if problem.was_connected:
                self._failed_at(delivery, self._told(str(problem)))
            else:
                self._queue.note_failure(delivery.id, self._told(str(problem)))
            self._line.failed(self._told(str(problem)), min(problem.retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS))
        except DistrictError as problem:
            self._settle(delivery, Verdict("unclear", self._told(str(problem))))
        except _Forgotten:
            self._courier.close()  # it was in the midst of something
            _log.info("A transfer was cut off because a person has the exam forgotten.")
        except (StorageError, sqlite3.Error, _Stopped):
            raise  # the state disk failed, or the box is stopping
        except JournalError:
            self._put_off(delivery, "")  # somebody else ended it meanwhile: then this does nothing
        except Exception as problem:
            self._met_own_error(delivery, problem)
        self._line.note_shortcomings(self._courier.shortcomings())

    def _make(self, delivery: DeliveryRecord, others: Sequence[DeliveryRecord]) -> None:
        try:
            if others and isinstance(self._courier, TakesSeveral):
                for confirmed in self._courier.make_together([delivery, *others]):
                    self._settle(confirmed, CONFIRMED)
                return
            verdict = self._courier.make(delivery, proven=self._line.link.proven)
        except DistrictError as problem:
            if self._is_wanted():  # it was broken off for that
                raise _Forgotten from problem
            raise
        self._settle(delivery, replace(verdict, reason=self._told(verdict.reason)))

    def _is_wanted(self) -> bool:
        """Whether an exam that is at hand is to be forgotten."""
        return any(map(self._in_use.is_wanted, self._exams_at_hand))

    def _told(self, reason: str) -> str:
        """What the courier says, in the words for this destination."""
        return told_of(self._queue.destination, reason)

    def _failed_at(self, delivery: DeliveryRecord, reason: str) -> None:
        """Mostly it is the server. But a server, or a guard before it, may fail over just what this delivery says: then
        it must not stand before the others for ever.
        """
        self._line.failed_at_instance()
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
        elif verdict.outcome in ("handed_over", "awaited"):
            self._wait_for(delivery, verdict)
        else:
            self._put_off(delivery, verdict.reason)
            # Some servers list a new instance only after a while.
            if verdict.outcome == "unclear" or delivery.failures:
                self._one_more_failed(verdict.reason)

    def _confirm(self, delivery: DeliveryRecord) -> None:
        self._deliveries.confirm(delivery.id)
        self._at_hand, self._failures_at_hand = "", 0
        self._line.confirmed()

    def _wait_for(self, delivery: DeliveryRecord, verdict: Verdict) -> None:
        """What it waits for makes it due. Until then it is looked at now and then, which costs the link nothing."""
        due_at = self._monotonic() + self._timing.delivery.seconds(delivery.failures + 1)
        self._queue.put_off(delivery.id, verdict.reason, due_at)
        if verdict.outcome == "handed_over":
            self._at_hand, self._failures_at_hand = "", 0
            self._line.confirmed()

    def _refuse(self, delivery: DeliveryRecord, reason: str) -> None:
        _log.warning("Delivery %s is on hold until a person retries or dismisses it: %s", delivery.id, reason)
        self._deliveries.refuse(delivery.id, reason)
        self._at_hand, self._failures_at_hand = "", 0
        self._line.refused(reason)

    def _refuse_doubtfully(self, delivery: DeliveryRecord, reason: str) -> None:
        """One refusal without a reason counts. Many in a row, with nothing confirmed in between, mean the server: they
        are taken back, and none counts until it takes something. What is refused again after that stays refused.
        """
        if self._line.seems_mad:
            self._put_off(delivery, reason)
            self._one_more_failed(reason)
            return
        self._refuse(delivery, reason)
        if not delivery.failures and (doubtful := self._line.doubted(delivery.id, reason)):
            self._queue.take_back(doubtful, self._monotonic() + self._timing.delivery.seconds(1))

    def _one_more_failed(self, reason: str) -> None:
        self._line.failed_over_instance(reason, untried=self._has_fresh)

    def _put_off(self, delivery: DeliveryRecord, reason: str) -> None:
        _log.warning("Delivery %s is tried again later: %s", delivery.id, reason)
        due_at = self._monotonic() + self._timing.delivery.seconds(delivery.failures + 1)
        self._queue.put_off(delivery.id, reason, due_at)
        self._line.put_off(reason)

    def _progress(self) -> None:
        """Called by the client whenever bytes are about to move."""
        if not self.beat(self._timeouts.answer_seconds + STEP_SECONDS):
            raise _Stopped
        if self._is_wanted():
            raise _Forgotten
