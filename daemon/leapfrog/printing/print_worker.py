"""The thread that prints: looks after each printer in turn, and says what is wrong with any of them."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby

from leapfrog.errors import JournalError
from leapfrog.printing.ages import Ages
from leapfrog.printing.ipp.client import IppPrinter
from leapfrog.printing.ipp.exchange import Exchanges
from leapfrog.printing.ipp.place import place_of
from leapfrog.printing.one_printer import OnePrinter, Pace
from leapfrog.printing.state import PrintingState
from leapfrog.problem import Problem
from leapfrog.settings import PrintSettings
from leapfrog.state.journal import Journal
from leapfrog.state.prints import PrintRecord, Prints
from leapfrog.state.rendered import Rendered
from leapfrog.state.studies import numbers_among
from leapfrog.state.upkeep.retention import clock_is_synchronised
from leapfrog.wording import print_words
from leapfrog.wording.print_words import printer_in_words
from leapfrog.wording.text import MOST_NAMED_EXAMS, exams_in_brackets
from leapfrog.worker import UNTIL_WOKEN, Worker

LONGEST_SHEET_BYTES = 50_000_000
# A step asks a printer several things, each under a deadline of its own; looking up a name may take as long again.
STEP_SECONDS = 6 * Exchanges.seconds_for(0) + Exchanges.seconds_for(LONGEST_SHEET_BYTES)
OTHERS_PATIENCE_SECONDS = 10.0  # with a printer besides the set one, which waits meanwhile: there is one thread
UNPRINTED_LISTED = 100  # of those that were too old


class PrintWorker(Worker):
    """Prints what is owed to printers. Sleeps while there is nothing to do but now and then look at the printer."""

    def __init__(
        self,
        settings: PrintSettings,
        journal: Journal,
        rendered: Rendered,
        *,
        on_changed: Callable[[], None],
        on_ended: Callable[[str], None] = lambda _study_key: None,
        pace: Pace | None = None,
        clock_is_right: Callable[[], bool] = clock_is_synchronised,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_changed` is called when something was printed, or something else is wrong than before, and before that
        `on_ended` with the key of a study of which a print has ended.
        """
        super().__init__("printing")
        self._settings = settings
        self._journal = journal
        self._prints = Prints(journal)
        self._rendered = rendered
        self._on_changed = on_changed
        self._on_ended = on_ended
        self._pace = pace or Pace()
        self._monotonic = monotonic
        self._ages = Ages(clock_is_right=clock_is_right, monotonic=monotonic)
        self._printers: dict[str, OnePrinter] = {}
        self._due_at: dict[str, float] = {}  # of each printer, on the monotonic clock
        self._known: dict[str, set[str]] = {}  # of each printer, what waited for it at the last look
        self._told: tuple[str, ...] = ()
        if settings.printer:
            self._printer(settings.printer)

    # ------------------------------------------------------------ for others

    def stop(self) -> None:
        """Break off what is being asked, and stop. The next start asks what became of it before it prints again."""
        self._stopping.set()
        for printer in list(self._printers.values()):
            printer.cut()
        super().stop()

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with printers, and which sheets could not be printed."""
        printers = (problem for one in list(self._printers.values()) for problem in one.problems.current())
        return (*printers, *unprinted(self._journal))

    def state(self) -> PrintingState:
        """Printing for `status`."""
        printer = self._printers.get(self._settings.printer)
        return printing_state(
            self._settings,
            self._journal,
            printer.explanation if printer else print_words.NOT_CONFIGURED,
            sum(one.jobs for one in list(self._printers.values())),
        )

    # ------------------------------------------------------------ the worker

    def start(self) -> None:
        """Start. What waits since the last run is as old as the clock says, if that can be trusted."""
        for record in self._prints.waiting():
            self._ages.from_before(record.id, record.created_at)
        super().start()

    def turn(self) -> float:
        """Look after each printer that is due. Returns the seconds until the next is."""
        waiting = self._expire(self._prints.waiting())
        overtaken = self._prints.overtaken() if any(record.job_name for record in waiting) else set()
        by_printer = {
            name: list(records)
            for name, records in groupby(sorted(waiting, key=lambda one: one.printer), key=lambda one: one.printer)
        }
        for name in dict.fromkeys((*self._printers, *by_printer)):
            if name != self._settings.printer and name not in by_printer:
                self._printers.pop(name)
                self._known.pop(name, None)
                continue
            if not self.beat(STEP_SECONDS):
                return 0.0
            records = by_printer.get(name, [])
            is_new = not {record.id for record in records} <= self._known.get(name, set())
            if is_new or self._monotonic() >= self._due_at.get(name, 0.0):
                self._known[name] = {record.id for record in records}
                old = {record.id for record in records if self._is_old(record)}
                pause = self._printer(name).step(records, overtaken, old)
                self._due_at[name] = self._monotonic() + pause
        self._tell_if_changed()
        soonest = min((self._due_at.get(name, 0.0) for name in self._printers), default=None)
        return UNTIL_WOKEN if soonest is None else max(0.05, soonest - self._monotonic())

    def _expire(self, waiting: list[PrintRecord]) -> list[PrintRecord]:
        """End what has waited too long, unless a print server may have it; returns the rest."""
        kept = []
        for record in waiting:
            if record.job_name or not self._is_old(record):
                kept.append(record)
                continue
            with suppress(JournalError):  # a newer version came meanwhile
                self._prints.end(record.id, "superseded", print_words.TOO_OLD)
            self._rendered.remove_sheet(record.study_key, record.id)
            self._ended(record)
        return kept

    def _is_old(self, record: PrintRecord) -> bool:
        return not record.urgent and self._ages.hours(record.id) > self._settings.max_age_hours

    def _printer(self, name: str) -> OnePrinter:
        if name not in self._printers:
            is_set = name == self._settings.printer
            self._printers[name] = OnePrinter(
                name,
                IppPrinter(place_of(name), patience=math.inf if is_set else OTHERS_PATIENCE_SECONDS),
                self._prints,
                self._rendered,
                self._pace,
                on_ended=self._ended,
                told_to_staff=is_set,
                monotonic=self._monotonic,
            )
        return self._printers[name]

    def _ended(self, record: PrintRecord) -> None:
        self._ages.forget(record.id)
        self._known.get(record.printer, set()).discard(record.id)  # new again, if a person retries it
        self._on_ended(record.study_key)
        self._on_changed()

    def _tell_if_changed(self) -> None:
        told = tuple(problem.what for one in self._printers.values() for problem in one.problems.current())
        if told != self._told:
            self._told = told
            self._on_changed()


def printing_state(settings: PrintSettings, journal: Journal, explanation: str, jobs: int = 0) -> PrintingState:
    """Printing as `status` shows it."""
    return PrintingState(
        printer=printer_in_words(settings.printer),
        explanation=explanation,
        jobs=jobs,
        counts=journal.counts("prints"),
        last_printed_at=Prints(journal).last_printed_at(),
    )


def unprinted(journal: Journal) -> tuple[Problem, ...]:
    """The sheets that need a person, and those that waited too long, by the journal."""
    prints, found = Prints(journal), list[Problem]()
    if (total := journal.counts("prints")["refused"]) and (refused := prints.refused(1)):
        exams = numbers_among(
            journal, "study_key", "deliveries WHERE state = 'refused' AND kind = 'print'", MOST_NAMED_EXAMS + 1
        )
        found.append(
            Problem(
                what=print_words.REFUSED_WHAT.format(
                    total=total, exams=exams_in_brackets(exams), reason=refused[0].last_error
                ),
                since=refused[0].ended_at or "",
                remedy=print_words.REFUSED_REMEDY,
                for_staff=print_words.REFUSED_FOR_STAFF,
            )
        )
    if old := prints.ended_unprinted(print_words.TOO_OLD, UNPRINTED_LISTED):
        exams = list(dict.fromkeys(record.exam_number for record in old if record.exam_number))
        found.append(
            Problem(
                what=print_words.TOO_OLD_WHAT.format(total=len(old), exams=exams_in_brackets(exams)),
                since=old[-1].ended_at or "",
                remedy=print_words.TOO_OLD_REMEDY,
                for_staff=print_words.TOO_OLD_FOR_STAFF,
            )
        )
    return tuple(found)
