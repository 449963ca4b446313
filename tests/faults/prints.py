"""A box that prints: it is killed while it does, and its printer meets with what befalls printers. Every version of a
report that is to be printed must come out once, and every fault must be told.

The printer is a real IPP printer of CUPS's own (ippeveprinter), behind a queue of a real CUPS. It keeps each sheet that
comes out as a file, named by the job; the title of a job says which version of which exam it is.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from faults.films import Film, Films
from faults.order import Order
from faults.senders import Senders
from faults.table import Row, Table
from leapfrog.errors import LeapfrogError
from support.cups import Cups, PaperPrinter, missing_for_paper
from support.kiosk import Kiosk
from support.waiting import wait_until

NAME = "prints"
DOSE = 100  # exams
KILLS = 10
QUEUE = "office"
LATE_SHARE = 0.3  # of exams of which a second image comes, after the first was printed
KILL_WITHIN_SECONDS = 4.0
TOLD_SECONDS = 120.0  # within which a fault must be told, on a machine that has other work
SETTLED_SECONDS = 600.0
QUIET_SECONDS = 1.0
SHEET = re.compile(r"\d+-(?P<exam>\w+-\w+)_version_(?P<version>\d+)_(?P<print>[0-9a-f]{16})")
WAITING = "SELECT count(*) FROM deliveries WHERE kind = 'print' AND state = 'waiting'"
UNFINISHED = "SELECT count(*) FROM studies WHERE state = 'open'"
UNREAD = "SELECT count(*) FROM instances WHERE state = 'received'"
# Exams whose newest sheet did not come out, or that have none at all.
UNPRINTED = (
    "SELECT exam_number FROM studies WHERE coalesce((SELECT state FROM deliveries WHERE study_key = key AND kind ="
    " 'print' ORDER BY sequence DESC LIMIT 1), '') <> 'confirmed'"
)
CONFIRMED = (
    "SELECT (SELECT exam_number FROM studies WHERE key = study_key), version FROM deliveries JOIN prints ON"
    " delivery_id = id WHERE state = 'confirmed'"
)


@dataclass(frozen=True)
class Fault:
    """What befalls the printer, how that is mended, and what must be told meanwhile."""

    name: str
    begin: Callable[[Cups, PaperPrinter], object]
    mend: Callable[[Cups, PaperPrinter], object]
    told: str


FAULTS = (
    Fault(
        "the printer is out of paper", lambda _, one: one.take_paper_out(), lambda _, one: one.fill(), "out of paper"
    ),
    Fault("the printer is off", lambda _, one: one.turn_off(), lambda _, one: one.turn_on(), "it is off"),
    Fault(
        "the queue is stopped",
        lambda cups, _: cups.command("cupsdisable", QUEUE),
        lambda cups, _: cups.command("cupsenable", QUEUE),
        "is stopped",
    ),
    Fault(
        "the queue rejects jobs",
        lambda cups, _: cups.command("cupsreject", QUEUE),
        lambda cups, _: cups.command("cupsaccept", QUEUE),
        "takes no jobs",
    ),
    Fault("the print server is down", lambda cups, _: cups.stop(), lambda cups, _: cups.start(), "cannot be used"),
)


def run(order: Order) -> Table:
    """So many exams, over ten kills (fewer for less than a hundred) and every fault of a printer."""
    exams = order.count or DOSE
    kills = max(1, KILLS * exams // DOSE)
    table = order.table(NAME, f"{exams} exams")
    table.normal_seconds = max(order.normal_seconds, SETTLED_SECONDS)  # of paper, not of receiving
    if missing := missing_for_paper():
        raise SystemExit(f"tests/faults/run: {missing}")
    with order.folder() as directory:
        directory.chmod(0o711)  # CUPS prints as a user of its own
        with Cups(directory / "cups") as cups:
            office = cups.add_paper_printer()
            cups.command("lpadmin", "-p", QUEUE, "-E", "-v", office.address, "-m", "everywhere")
            cups.command("lpadmin", "-p", QUEUE, "-o", "printer-error-policy=retry-current-job")
            site = Site(directory, cups, office, order.random())
            try:
                _fill(order, table, site, exams, kills)
            finally:
                site.close()
    return table


def _fill(order: Order, table: Table, site: "Site", exams: int, kills: int) -> None:
    faults = [fault for fault in FAULTS if order.wants(fault.name)]
    rounds = kills + len(faults)
    sizes = [exams // rounds + (number < exams % rounds) for number in range(rounds)]
    order.progress.say(f"{kills} kills, {sum(sizes[:kills])} exams")
    ages = [site.kill(size) for size in sizes[:kills]]
    table.rows.append(site.row("the daemon is killed", kills, max(ages)))
    for fault, size in zip(faults, sizes[kills:], strict=True):
        order.progress.say(f"{fault.name}, {size} exams")
        table.rows.append(site.meet(fault, size))


@dataclass
class Site:
    """A box with a printer, and modalities that send to it."""

    directory: Path
    cups: Cups
    office: PaperPrinter
    chance: random.Random
    _films: Films = field(init=False)
    _kiosk: Kiosk = field(init=False)
    _senders: Senders = field(init=False)
    _late: list[Film] = field(default_factory=list)
    _exams: int = 0
    _judged: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._films = Films(self.directory / "films")
        self._kiosk = Kiosk(self.directory / "box", print={"printer": QUEUE}, report={"quiet_seconds": QUIET_SECONDS})
        self._kiosk.start(environment=self.cups.environment)
        self._senders = Senders(self._kiosk.port, self._kiosk.inbox)

    def close(self) -> None:
        """End the box."""
        self._senders.stop()
        if self._kiosk.process.poll() is None:
            self._kiosk.kill()
        self._kiosk.wait_for_no_orphans()

    # ------------------------------------------------------------ what befalls it

    def kill(self, exams: int) -> float:
        """Send exams, and kill the daemon while it prints them. Returns the seconds until all was printed."""
        self._send(exams)
        time.sleep(self.chance.uniform(0, KILL_WITHIN_SECONDS))
        self._kiosk.kill()
        began = time.monotonic()
        self._kiosk.start(environment=self.cups.environment)
        self._settle()
        return time.monotonic() - began

    def meet(self, fault: Fault, exams: int) -> Row:
        """Send exams while the printer meets with a fault, and mend that once it is told."""
        fault.begin(self.cups, self.office)
        self._send(exams)
        told = wait_until(
            lambda: self._told(fault.told), f"told: {fault.name}", deadline_seconds=TOLD_SECONDS, poll_seconds=0.5
        )
        began = time.monotonic()
        fault.mend(self.cups, self.office)
        self._settle()
        still = [self._told(fault.told)] if self._told(fault.told) else []
        remarks = [f"told: {told.replace(str(self.directory), '')}"]
        return self.row(fault.name, 1, time.monotonic() - began, *remarks, *(f"still told: {one}" for one in still))

    def _told(self, words: str) -> str:
        """What the box says is wrong, if that has these words in it."""
        try:
            attention = self._kiosk.status()["attention"]
        except (LeapfrogError, OSError):
            return ""
        return next((one["what"] for one in attention if words in one["what"] and one["since"] and one["remedy"]), "")

    def _send(self, exams: int) -> None:
        late, self._late = self._late, []
        for _ in range(exams):
            first, second = self._films.new(2)
            self._senders.store([first])
            if self.chance.random() < LATE_SHARE:
                self._late.append(second)
        self._senders.store(late)
        self._exams += exams
        wait_until(lambda: self._senders.wait(0.1), "all films are stored", deadline_seconds=60)

    def _settle(self) -> None:
        wait_until(self._is_settled, "everything is printed", deadline_seconds=SETTLED_SECONDS, poll_seconds=0.5)

    def _is_settled(self) -> bool:
        return all(self._kiosk.rows(query) == [(0,)] for query in (UNREAD, UNFINISHED, WAITING))

    # ------------------------------------------------------------ what came of it

    def row(self, fault: str, times: int, seconds: float, *remarks: str) -> Row:
        """What came out since the last row. A sheet counts as doubled if its version came out before."""
        sheets = Counter((found["exam"], int(found["version"])) for found in map(self._sheet, self.office.printed()))
        doubled = [f"{exam} version {version}" for (exam, version), count in sheets.items() if count > 1]
        unprinted = [number for (number,) in self._kiosk.rows(UNPRINTED)]
        missing = [
            f"{exam} version {version}"
            for exam, version in self._kiosk.rows(CONFIRMED)
            if (exam.lower(), version) not in sheets
        ]
        now = Counter(exams=self._exams, sheets=sum(sheets.values()), doubled=len(doubled))
        since = {name: total - self._judged[name] for name, total in now.items()}
        self._judged = now
        lost = len(unprinted) + len(missing)
        broken = [f"doubled: {', '.join(doubled)}"] * bool(since["doubled"])
        broken += [f"not on paper: {', '.join((*unprinted, *missing))}"] * bool(lost)
        return Row(
            fault,
            times,
            since["exams"],
            lost,
            since["doubled"],
            0,
            seconds,
            finished=not any("still told" in remark for remark in remarks),
            remarks=(f"{since['sheets']} sheets", *broken, *remarks),
        )

    @staticmethod
    def _sheet(path: Path) -> re.Match[str]:
        found = SHEET.match(path.name)
        assert found is not None, f"a sheet that is none of ours: {path.name}"
        return found
