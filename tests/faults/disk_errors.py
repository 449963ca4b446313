"""Disk errors: every call that changes something on a disk fails once, in the state, reports and watched folders.

A round of work is one film by network and one in the folder, until both are read, reported, sent and confirmed. How
many calls of each kind a round makes is counted first; then each of them fails in a round of its own, once with ENOSPC
and once with EIO. The same for a start. Last, a folder turns read-only after its first error, until it is mended.
"""

import errno
import queue
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Self

from faults.audit import Audit
from faults.order import Order, row_of
from faults.site import Site
from faults.table import Row, Table, together
from support.failing_calls import Call, Counts, FailingCalls, name_of

NAME = "disk-errors"
STATE = 0
FOLDERS = ("state", "reports", "watched folder")
ERRORS = (errno.ENOSPC, errno.EIO)
MET_SECONDS = 8.0  # for the call to be made
READ_ONLY_SECONDS = 5.0
START_SECONDS = 5.0
AUDIT_EVERY = 10  # errors, which one box meets in turn


@dataclass(frozen=True)
class Case:
    """One call that fails: the `number`th of its kind in a round of work, or in a start."""

    folder: int
    call: Call
    number: int
    error: int
    at_start: bool = False
    read_only: bool = False  # from then on, for READ_ONLY_SECONDS

    @property
    def kind(self) -> str:
        """What it has in common with others: they share a row."""
        when = ", at a start" if self.at_start else ", read-only afterwards" if self.read_only else ""
        return f"{FOLDERS[self.folder]}: {self.call.label} fails with {name_of(self.error)}{when}"


def run(order: Order) -> Table:
    """Every such call, or with a number that many of them, evenly chosen. Several boxes share the work."""
    with ExitStack() as benches:
        first = benches.enter_context(_bench(order))
        every = list(_cases(first.count_start(), first.count_work()))
        cases = _chosen([case for case in every if order.wants(case.kind)], order.count, order.random())
        table = order.table(NAME, f"{len(cases)} of {len(every)} calls that can fail")
        shares = list(_shares(cases))
        free: queue.SimpleQueue[Bench] = queue.SimpleQueue()
        free.put(first)
        for _ in range(min(order.at_once, len(shares)) - 1):
            free.put(benches.enter_context(_bench(order)).started())

        def fail(share: list[Case]) -> Row:
            bench = free.get()
            try:
                row = _fail_each(share, bench)
            finally:
                free.put(bench)
            order.progress.say(
                f"{row.times} x {row.fault}: lost {row.lost}, doubled {row.doubled}, {row.seconds:.1f} s"
            )
            return row

        with ThreadPoolExecutor(order.at_once) as pool:
            rows = list(pool.map(fail, shares))
        table.rows = [together(kind, list(same)) for kind, same in groupby(rows, key=lambda row: row.fault)]
    return table


@contextmanager
def _bench(order: Order) -> Iterator["Bench"]:
    with order.folder() as directory:
        folders = [directory / name for name in ("state", "reports", "inbox")]
        with (
            FailingCalls(directory, folders) as calls,
            Site(directory, environment=lambda: calls.environment) as site,
        ):
            yield Bench(site, calls)


def _shares(cases: list[Case]) -> Iterator[list[Case]]:
    """What one bench does at a time: a few cases of one kind."""
    for _, same in groupby(cases, key=lambda case: case.kind):
        group = list(same)
        yield from (group[at : at + AUDIT_EVERY] for at in range(0, len(group), AUDIT_EVERY))


def _cases(start: Counts, work: Counts) -> Iterator[Case]:
    kinds = [(call, folder) for folder in range(len(FOLDERS)) for call in Call if call not in (Call.SEND, Call.LOOK)]
    for counts, at_start in ((work, False), (start, True)):
        for call, folder in kinds:
            for error in ERRORS:
                for number in range(1, counts.get((call, folder), 0) + 1):
                    yield Case(folder, call, number, error, at_start=at_start)
    for call, folder in kinds:
        if work.get((call, folder), 0):
            yield Case(folder, call, 1, errno.EIO, read_only=True)


def _chosen(wanted: Sequence[Case], count: int | None, chance: random.Random) -> list[Case]:
    """All, or `count` of them: the kinds in turn, as far as it goes, each time with another call of the kind."""
    if count is None or count >= len(wanted):
        return list(wanted)
    by_kind: dict[str, list[Case]] = {}
    for case in wanted:
        by_kind.setdefault(case.kind, []).append(case)
    kinds = list(by_kind)
    chance.shuffle(kinds)
    for cases in by_kind.values():
        chance.shuffle(cases)
    chosen: list[Case] = []
    while len(chosen) < count:
        chosen += [by_kind[kind].pop() for kind in kinds if by_kind[kind]]
    return sorted(chosen[:count], key=wanted.index)


def _fail_each(cases: list[Case], bench: "Bench") -> Row:
    site = bench.site
    films, ended, log = len(site.senders.films), len(site.ends), len(site.kiosk.log())
    worst, unmet = 0.0, 0
    for case in cases:
        seconds, met = bench.fail(case)
        worst, unmet = max(worst, seconds), unmet + (not met)
    verdict = bench.audit.verdict()
    tracebacks = site.kiosk.log()[log:].count("Traceback (most recent call last)")
    remarks = ["not every call was made this time"] if unmet else []
    remarks += ["tracebacks in the log"] if tracebacks else []
    row = row_of(
        cases[0].kind,
        len(cases),
        len(site.senders.films) - films,
        verdict,
        worst,
        len(site.ends) - ended,
        *remarks,
    )
    return replace(row, may_end=cases[0].folder == STATE)


@dataclass
class Bench:
    """A site whose calls are counted, and then fail."""

    site: Site
    calls: FailingCalls
    audit: Audit = field(init=False)

    def __post_init__(self) -> None:
        self.audit = Audit(self.site)

    def started(self) -> Self:
        """The same, with its box at work."""
        self.site.start()
        return self

    def count_start(self) -> Counts:
        """The calls of a start, of a box that has started before."""
        self.started().site.settle()
        self.site.halt()
        before = self.calls.counts()
        self.site.launch()
        self._wait(lambda: bool(self.site.status()), START_SECONDS * 4)
        return self._since(before)

    def count_work(self) -> Counts:
        """The calls of a round of work."""
        self.site.settle()
        before = self.calls.counts()
        self.site.work()
        self.site.settle()
        return self._since(before)

    def _since(self, before: Counts) -> Counts:
        return {each: total - before.get(each, 0) for each, total in self.calls.counts().items()}

    def fail(self, case: Case) -> tuple[float, bool]:
        """Have one call fail. Returns the seconds from the fault's end until a film was taken, and whether the call was
        made at all.
        """
        outages = len(self.site.outages)
        if case.at_start:
            self.site.halt()
        self.calls.arm(case.call, case.folder, case.number, case.error, errno.EROFS if case.read_only else 0)
        if case.at_start:
            self.site.launch()
        else:
            self.site.work()
        met = self._wait(lambda: self.calls.fired, MET_SECONDS)
        if met and case.read_only:
            time.sleep(READ_ONLY_SECONDS)
        mended = time.monotonic()
        self.calls.disarm()
        seconds = self.site.seconds_until_normal(mended)
        self.site.settle()
        return max(seconds, self.site.worst_outage(outages, mended)), met

    @staticmethod
    def _wait(holds: Callable[[], bool], most_seconds: float) -> bool:
        deadline = time.monotonic() + most_seconds
        while not (held := holds()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return held
