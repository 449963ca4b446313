"""kill -9 of the daemon and of its children: at random moments, and at every kind of call that changes something."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from faults.audit import Audit, Verdict
from faults.order import Order, row_of
from faults.site import Site
from faults.table import Table
from support.failing_calls import KILL_AFTER, KILL_BEFORE, NETWORK, Call, Counts, FailingCalls
from support.processes import ENGINE_HOST, READER

NAME = "kills"
DOSE = 500
STATE, REPORTS, INBOX = range(3)
STORED, DROPPED = 3, 1  # films for each kill
MOMENT_SECONDS = 1.5  # within which a random moment lies
MET_SECONDS = 8.0  # for a call to be made; then the daemon is killed all the same
AUDIT_EVERY = 20  # kills


@dataclass(frozen=True)
class Kind:
    """Who is killed, and when: at a random moment, or at one of its calls in a folder."""

    name: str
    victim: str = "daemon"
    call: Call | None = None
    folder: int = STATE


KINDS = (
    Kind("the daemon, at a random moment"),
    Kind("the daemon, at a write of the state", call=Call.WRITE),
    Kind("the daemon, at an fsync of the state", call=Call.FSYNC),
    Kind("a reader, at a random moment", victim=READER),
    Kind("the daemon, at a rename in the state", call=Call.RENAME),
    Kind("the daemon, when it sends to a network", call=Call.SEND, folder=NETWORK),
    Kind("the daemon, at an fdatasync of the state", call=Call.FDATASYNC),
    Kind("an engine host, at a random moment", victim=ENGINE_HOST),
    Kind("the daemon, at an unlink in the watched folder", call=Call.UNLINK, folder=INBOX),
    Kind("the daemon, at an unlink in the state", call=Call.UNLINK),
    Kind("the daemon, when it opens a file of the state to write", call=Call.OPEN_FOR_WRITING),
    Kind("the daemon, when it makes a folder in the state", call=Call.MKDIR),
    Kind("the daemon, at a write of a report", call=Call.WRITE, folder=REPORTS),
    Kind("the daemon, at an fsync of a report", call=Call.FSYNC, folder=REPORTS),
    Kind("the daemon, at a rename of a report", call=Call.RENAME, folder=REPORTS),
    Kind("the daemon, when it makes a report's folder", call=Call.MKDIR, folder=REPORTS),
)


def run(order: Order) -> Table:
    """So many kills, spread evenly over the kinds."""
    count = order.count or DOSE
    table = order.table(NAME, f"{count} kills")
    with order.folder() as directory:
        folders = [directory / name for name in ("state", "reports", "inbox")]
        with (
            FailingCalls(directory, folders) as calls,
            Site(directory, restart_seconds=0, environment=lambda: calls.environment) as site,
        ):
            killer = Killer(site, calls, order.random())
            site.start()
            for kind, kills in _spread(count, order.wants):
                order.progress.say(f"{kills} x {kind.name}")
                _kill_often(kind, kills, killer, table, order.progress.say)
    return table


def _spread(count: int, wants: Callable[[str], bool]) -> Iterator[tuple[Kind, int]]:
    kinds = [kind for kind in KINDS if wants(kind.name)]
    for number, kind in enumerate(kinds):
        if kills := count // len(kinds) + (number < count % len(kinds)):
            yield kind, kills


def _kill_often(kind: Kind, kills: int, killer: "Killer", table: Table, say: Callable[[str], None]) -> None:
    site, before, ended = killer.site, len(killer.site.senders.films), len(killer.site.ends)
    worst, by_hand = 0.0, 0
    verdict = Verdict()
    for number in range(kills):
        seconds, met = killer.kill(kind)
        worst, by_hand = max(worst, seconds), by_hand + (not met)
        if (number + 1) % AUDIT_EVERY == 0 or number + 1 == kills:
            verdict += killer.audit.verdict()
            say(f"  {number + 1} of {kills}: lost {len(verdict.lost)}, doubled {len(verdict.doubled)}")
    remarks = [f"{by_hand} not at that call, which was not made in time"] if by_hand else []
    remarks += killer.orphans()
    films = len(site.senders.films) - before
    table.rows.append(row_of(kind.name, kills, films, verdict, worst, len(site.ends) - ended, *remarks))


@dataclass
class Killer:
    """Kills, and sees how soon the box takes films again."""

    site: Site
    calls: FailingCalls
    chance: random.Random
    audit: Audit = field(init=False)
    _before: Counts = field(default_factory=dict)
    _usual: dict[tuple[Call, int], int] = field(default_factory=dict)
    _orphans: int = 0

    def __post_init__(self) -> None:
        self.audit = Audit(self.site)
        self.site.before_restart = self._look_for_orphans

    def kill(self, kind: Kind) -> tuple[float, bool]:
        """One kill while the box is at work. Returns the seconds until a film was taken again, and whether the kill
        came at the call that it was meant for.
        """
        process = self.site.kiosk.process
        met = True
        if kind.call is None:
            self.site.work(STORED, DROPPED)
            time.sleep(self.chance.uniform(0, MOMENT_SECONDS))
            self._kill_now(kind.victim)
        else:
            number = self.chance.randint(1, max(1, self._usual.get((kind.call, kind.folder), 1)))
            self.calls.arm(kind.call, kind.folder, number, self.chance.choice((KILL_BEFORE, KILL_AFTER)))
            self.site.work(STORED, DROPPED)
            deadline = time.monotonic() + MET_SECONDS
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            met = process.poll() is not None
            self.calls.disarm()
            if not met:
                self._kill_now("daemon")
        seconds = self.site.seconds_until_normal()
        self._count()
        return seconds, met

    def _kill_now(self, victim: str) -> None:
        if victim == "daemon":
            self.site.kiosk.process.kill()
            self.site.kiosk.process.wait()
        else:
            deadline = time.monotonic() + MET_SECONDS
            while not self.site.kiosk.kill_child(victim) and time.monotonic() < deadline:
                time.sleep(0.05)

    def _count(self) -> None:
        """How often each call is made between two kills, so that the next kill may come at any of them."""
        now = self.calls.counts()
        self._usual = {each: total - self._before.get(each, 0) for each, total in now.items()}
        self._before = now

    def _look_for_orphans(self) -> None:
        try:
            self.site.kiosk.wait_for_no_orphans()
        except AssertionError:
            self._orphans += 1

    def orphans(self) -> list[str]:
        """A remark on children that outlived the daemon since the last call, if any did."""
        found, self._orphans = self._orphans, 0
        return [f"children outlived the daemon {found} times"] if found else []
