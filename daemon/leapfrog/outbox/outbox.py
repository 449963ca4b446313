"""All that is sent, to all destinations that a link reaches: each has senders, a queue and a line of its own, so that
one that is down, slow or mad delays no other. Sync windows and the limit of bytes per second hold for all of them
together.
"""

import threading
import time
from collections.abc import Callable, Sequence

from leapfrog.outbox.carried import carried_state, sticks_of
from leapfrog.outbox.forms import Forms
from leapfrog.outbox.line import Line
from leapfrog.outbox.link import NOT_CONFIGURED, DestinationState, LinkState, OutboxState
from leapfrog.outbox.pacing.precedence import Precedence
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.outbox.sender import Means, Sender
from leapfrog.outbox.trouble import Trouble
from leapfrog.problem import Problem
from leapfrog.settings import DestinationSettings, DistrictSettings
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.facts import Facts
from leapfrog.state.sending.delivery_queue import DeliveryQueue
from leapfrog.state.sending.owed_bytes import OwedBytes, owed_bytes, seconds_left
from leapfrog.state.spool import Spool

# What each sender of a destination sends, by its rank. They have connections of their own, so that a large body can
# pause while something that is worth more goes over another.
SENDERS = {"reports": (0, 2), "results": (1, 3, 4, 5, 6), "originals": (7, 8)}
# From the best to the worst.
LINK_STATES: tuple[LinkState, ...] = ("stick", "ok", "window closed", "down", "locked")
WELL = "results are sent as soon as they are ready"
WINDOW_CLOSED = "outside the sync windows (district.windows): sending continues when the next one opens"


class _Destination:
    """One destination: its line, and whoever sends over it."""

    def __init__(self, settings: DestinationSettings, means: Means) -> None:
        self.settings = settings
        self._means = means
        journal = means.deliveries.journal
        queue = DeliveryQueue(journal, settings.name)
        trouble = Trouble(queue, Facts(journal), means.monotonic)
        self.line = Line(settings.name, trouble, means.timing, means.monotonic)
        self.senders = tuple(
            Sender(settings, DeliveryQueue(journal, settings.name, ranks), self.line, means, f"-{what}")
            for what, ranks in SENDERS.items()
        )

    def state(self) -> DestinationState:
        link_state, link = self._link_state(), self.line.link
        if link_state == "window closed":
            explanation = WINDOW_CLOSED
        else:
            explanation = WELL if link_state == "ok" else link.last_error
        return DestinationState(
            name=self.settings.name,
            link=link_state,
            explanation=explanation,
            last_error=link.last_error,
            next_attempt_in_seconds=self._next_attempt_in_seconds(link_state),
            last_confirmed_at=self._means.deliveries.last_confirmed_at(self.settings.name),
            failing_since=self.line.failing_since(),
            deliveries=self._means.deliveries.totals_of(self.settings.name),
            oldest_owed_seconds=self._means.deliveries.oldest_owed_seconds_to(self.settings.name),
            bytes_per_second=self.line.rate.bytes_per_second(),
            seconds_left=seconds_left(self._waiting(), self.line.rate.bytes_per_second()),
            sticks=sticks_of(self.settings, self._means.deliveries),
        )

    def _waiting(self) -> list[OwedBytes]:
        everything = owed_bytes(self._means.deliveries.journal)
        return [owed for owed in everything if owed.destination == self.settings.name]

    def _link_state(self) -> LinkState:
        link = self.line.link
        if link.locked:
            return "locked"
        if not self.line.is_forced() and not self._means.windows.is_open():
            return "window closed"
        return "down" if link.failures and not link.proven else "ok"

    def _next_attempt_in_seconds(self, state: LinkState) -> float | None:
        if state == "window closed":
            return self._means.windows.seconds_until_open()
        now = self._means.monotonic()
        if state in ("locked", "down"):
            return max(0.0, self.line.link.due_at - now)
        retries = (sender.soonest_retry() for sender in self.senders)
        due_at = min((moment for moment in retries if moment is not None), default=None)
        return None if due_at is None else max(0.0, due_at - now)


class Outbox:
    """Sends everything that is owed."""

    def __init__(
        self,
        destinations: Sequence[DestinationSettings],
        limits: DistrictSettings,
        deliveries: Deliveries,
        spool: Spool,
        on_fatal: Callable[[str], None],
        timing: Timing | None = None,
        timeouts: Timeouts | None = None,
        windows: SyncWindows | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        ae_title: str = "LEAPFROG",
        forms: Forms | None = None,
        handed_over: Callable[[], None] = lambda: None,
        on_edge: Callable[[], object] = lambda: None,
    ) -> None:
        """`limits` has the sync windows, unless `windows` are given, and the bytes per second. `on_fatal` is called
        with the reason when sending cannot continue. `ae_title` is the box's own; `handed_over` is called when
        something was stored that its archive is to promise to keep. `forms`: in which form originals go; without, as
        they came. `windows`, `throttle` and `precedence` are there for others that use the same link; `on_edge` is
        called where a window begins or ends.
        """
        self._stopping = threading.Event()
        self._on_edge = on_edge
        self.windows = windows or SyncWindows(limits.windows, self._window_has_edge)
        self.throttle = Throttle(limits.bytes_per_second, self._stopping.wait, monotonic)
        self.precedence = Precedence()
        means = Means(
            deliveries=deliveries,
            spool=spool,
            windows=self.windows,
            throttle=self.throttle,
            precedence=self.precedence,
            on_fatal=on_fatal,
            timing=timing or Timing(),
            timeouts=timeouts or Timeouts(),
            monotonic=monotonic,
            forms=forms,
            ae_title=ae_title,
            handed_over=handed_over,
        )
        self._deliveries = deliveries
        self._destinations = tuple(_Destination(one, means) for one in destinations if one.kind != "stick")
        self._carried = tuple(one for one in destinations if one.kind == "stick")
        self.senders = tuple(sender for destination in self._destinations for sender in destination.senders)

    def start(self) -> None:
        """Start sending. Without a destination, only the sync windows are watched, for others that use the link."""
        self.windows.start()
        for sender in self.senders:
            sender.start()

    def stop(self) -> None:
        """Cut all transfers that are running, and stop. The next start asks whether they arrived before it sends them
        again.
        """
        self._stopping.set()
        for sender in self.senders:
            sender.cut()
        for sender in self.senders:
            sender.stop()
        self.windows.stop()

    def heartbeat(self) -> float:
        """time.monotonic() of the last sign of life of the sender that has given none for longest."""
        return min((sender.heartbeat() for sender in self.senders), default=time.monotonic())

    def wake(self) -> None:
        """There may be something to send. May be called from any thread; returns at once."""
        for sender in self.senders:
            sender.wake()

    def may_send(self) -> bool:
        """Whether a sync window is open."""
        return self.windows.is_open()

    def _window_has_edge(self) -> None:
        self.wake()
        self._on_edge()

    def look_at_clock(self) -> None:
        """Check whether setting the clock opened or closed a sync window. The thread that starts and stops this part
        must call this about once a second.
        """
        self.windows.look_at_clock()

    def sync_now(self, name: str | None = None) -> None:
        """Try to send everything that is owed, to all destinations or to the one called `name`, once, now, regardless
        of windows and backoffs.
        """
        for destination in self._destinations:
            if name in (None, destination.settings.name):
                for sender in destination.senders:
                    sender.sync_now()

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the destinations, for `status`, `doctor` and the worklist."""
        return tuple(problem for destination in self._destinations for problem in destination.line.problems())

    def state(self) -> OutboxState:
        """The outbox for `status`."""
        states = (
            *(destination.state() for destination in self._destinations),
            *(carried_state(one, self._deliveries) for one in self._carried),
        )
        if not states:
            return OutboxState(
                configured=False,
                link="none",
                explanation=NOT_CONFIGURED,
                last_error="",
                next_attempt_in_seconds=None,
                last_confirmed_at=self._deliveries.last_confirmed_at(),
            )
        worst = max(states, key=lambda state: LINK_STATES.index(state.link))
        attempts = [state.next_attempt_in_seconds for state in states if state.next_attempt_in_seconds is not None]
        return OutboxState(
            configured=True,
            link=worst.link,
            explanation=_explanation(states),
            last_error=worst.last_error,
            next_attempt_in_seconds=min(attempts, default=None),
            last_confirmed_at=self._deliveries.last_confirmed_at(),
            failing_since=min((state.failing_since for state in states if state.failing_since), default=""),
            seconds_left=_longest([state.seconds_left for state in states if state.link != "stick"]),
            destinations=states,
        )


def _longest(seconds: Sequence[float | None]) -> float | None:
    """They send side by side, so that the one that takes longest is the last to be through; None if one is unknown."""
    known = [one for one in seconds if one is not None]
    return max(known, default=None) if len(known) == len(seconds) else None


def _explanation(states: Sequence[DestinationState]) -> str:
    """One sentence for all that have the same to say; else what each one says that is not well, with its name."""
    if len({state.explanation for state in states}) == 1:
        return states[0].explanation
    return " ".join(f"{state.name}: {state.explanation}" for state in states if state.link != "ok")
