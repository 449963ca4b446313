"""One printer: sheets are handed over to it one after the other, and each job is followed to its end.

One after the other, so that what waits stays here, where it grows too old or is overtaken by a newer version, and the
printer has one sheet of the past at most when it is turned on after a week. Urgent sheets do not wait for that.
"""

import functools
import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from leapfrog.errors import JournalError, LeapfrogError, PrinterRefused, PrinterUnreachable
from leapfrog.printing.ipp.client import BUSY, NOT_ACCEPTING_JOBS, NOT_FOUND, IppPrinter, JobSeen, JobState, PrinterSeen
from leapfrog.printing.papers import media_for
from leapfrog.problem import Problems
from leapfrog.state.journal import new_id
from leapfrog.state.prints import PrintRecord, Prints
from leapfrog.state.records import DeliveryState
from leapfrog.state.rendered import Rendered
from leapfrog.wording import print_words
from leapfrog.wording.print_words import PrinterTrouble, printer_in_words, says_that_it_is_off, trouble_of

MOST_URGENT_AT_ONCE = 5  # sheets that the printer has at once
STUCK_SECONDS = 15.0  # that a sheet may take before what the printer says of itself counts as the reason
LONG_SECONDS = 60.0  # after which a sheet takes long even if the printer says no reason
# What CUPS says of a job whose filter failed.
FILTER_FAILED = frozenset({"job-completed-with-errors", "cups-filter-crashed"})
OWN_ERRORS = 2  # of ours over one print; then it needs a person

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often is looked: at a job that has just begun, at one that takes long, at a printer that takes nothing now,
    and at one that has nothing to do. In seconds.
    """

    fresh: float = 1.0
    slow: float = 10.0
    blocked: float = 10.0
    idle: float = 60.0
    longest: float = 120.0  # between two tries to reach a printer that does not answer


class OnePrinter:
    """One printer and its jobs. For one thread; only `cut` may be called from another."""

    def __init__(
        self,
        name: str,
        printer: IppPrinter,
        prints: Prints,
        rendered: Rendered,
        pace: Pace,
        *,
        on_ended: Callable[[PrintRecord], None],
        told_to_staff: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is as the settings have it. `on_ended` is called when a print has ended, however. `told_to_staff`: it
        is "the printer" for them; what is wrong with another is for whoever named it.
        """
        self.name = name
        self.jobs = 0  # sheets that the printer has
        self.problems = Problems()
        self.explanation = print_words.READY
        self._printer = printer
        self._prints = prints
        self._rendered = rendered
        self._pace = pace
        self._on_ended = on_ended
        self._told_to_staff = told_to_staff
        self._monotonic = monotonic
        self._followed_from: dict[str, float] = {}  # on the monotonic clock
        self._failures = 0  # in a row, to reach it
        self._own_errors = Counter[str]()

    def cut(self) -> None:
        """Break off what is being asked, and ask nothing more."""
        self._printer.cut()

    def step(self, waiting: Sequence[PrintRecord], overtaken: Collection[str], too_old: Collection[str]) -> float:
        """Look after every job, and hand over what can be. Returns the seconds until the next look."""
        try:
            seen = self._printer.printer()
            self._failures = 0
            in_hand = [
                (record, job)
                for record in waiting
                if record.job_name and (job := self._followed(record, overtaken, too_old)) is not None
            ]
            self._tell(seen, in_hand)
            if not seen.accepting or seen.state == "stopped":
                return self._pace.blocked if waiting else self._pace.idle
            if self._hand_over_next(seen, waiting, in_hand):
                return self._pace.fresh
        except PrinterUnreachable as problem:
            return self._not_reached(str(problem), bool(waiting))
        except PrinterRefused as problem:
            self._refused(problem)
            return self._pace.blocked if waiting else self._pace.idle
        if not in_hand:
            return self._pace.idle
        newest = max(self._followed_from.get(record.id, 0.0) for record, _ in in_hand)
        return self._pace.fresh if self._monotonic() - newest < STUCK_SECONDS else self._pace.slow

    # ------------------------------------------------------------ following

    def _safely(self, record: PrintRecord, call: Callable[[], Result]) -> Result | None:
        """Do something for one print; None when that came to nothing. An error of ours over one print must not end the
        box: it would end it again at each start.
        """
        try:
            return call()
        except JournalError:  # somebody else ended it meanwhile, such as a newer version
            return None
        except LeapfrogError:
            raise
        except Exception as problem:
            # Only the traceback is logged: the exception's own text may quote what was sent.
            frames = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("Print %s failed with %s:\n%s", record.id, type(problem).__name__, frames)
            self._own_errors[record.id] += 1
            if self._own_errors[record.id] >= OWN_ERRORS:
                self._safely(record, lambda: self._end(record, "refused", print_words.NO_SHEET))
            return None

    def _followed(self, record: PrintRecord, overtaken: Collection[str], too_old: Collection[str]) -> JobSeen | None:
        return self._safely(record, lambda: self._follow(record, overtaken, too_old))

    def _follow(self, record: PrintRecord, overtaken: Collection[str], too_old: Collection[str]) -> JobSeen | None:
        """What became of a print for which a job was to be made. Returns its job while that is at work."""
        job = self._job_of(record)
        if job is None:
            if record.handed_at is not None or (record.posted and record.job_id is not None):
                self._end(record, "refused", print_words.GONE)
            return None  # or nothing of it was ever sent: then it is handed over anew
        if record.job_id is None:
            record = self._prints.job_is(record, job.id)
        self._followed_from.setdefault(record.id, self._monotonic())
        if job.ended:
            self._ended(record, job)
            return None
        if self._has_failed(job):
            self._printer.cancel(job.id)  # else somebody restarts it after it was printed anew
            self._end(record, "refused", print_words.FILTER_FAILED)
            return None
        unwanted = record.id in too_old or (record.id in overtaken and job.state is not JobState.PROCESSING)
        if unwanted and self._printer.cancel(job.id):
            self._end(record, "superseded", print_words.TOO_OLD if record.id in too_old else "")
            return None
        if record.handed_at is None or job.documents == 0:
            self._send(record, job.id)
        return job

    def _job_of(self, record: PrintRecord) -> JobSeen | None:
        """The job of a print: by its id, or by its name where the box ended before that was noted."""
        if record.job_id is not None:
            job = self._printer.job(record.job_id)
            # The numbers of a print server begin anew when its state was deleted; some servers hide the names.
            return None if job is not None and job.name and job.name != record.job_name else job
        return self._job_named(record.job_name)

    def _job_named(self, words: str) -> JobSeen | None:
        """The job with these words in its name; of several, the one that is at work, else one that used paper. How many
        documents it has says nothing once it has ended: a server that keeps no files has none of it then.
        """
        found = self._printer.jobs_about(words)
        return min(
            found, key=lambda job: (job.ended, job.state is not JobState.COMPLETED, not job.documents), default=None
        )

    def _has_failed(self, job: JobSeen) -> bool:
        """Whether a job is stopped for good, and not by the printer: CUPS leaves it so where a filter failed."""
        return job.state is JobState.STOPPED and (
            self._printer.place.is_queue or not FILTER_FAILED.isdisjoint(job.reasons)
        )

    def _ended(self, record: PrintRecord, job: JobSeen) -> None:
        if job.state is JobState.COMPLETED:
            self._end(record, "confirmed")
        elif job.ended_empty or (record.handed_at is None and not record.posted):
            self._hand_over(record, None)  # the server waited for the sheet, and gave up
        elif job.state is JobState.CANCELED:
            self._end(record, "refused", print_words.CANCELLED)
        else:
            self._end(record, "refused", print_words.ABORTED)

    def _end(self, record: PrintRecord, state: DeliveryState, reason: str = "") -> None:
        self._prints.end(record.id, state, reason)
        self._followed_from.pop(record.id, None)
        self._own_errors.pop(record.id, None)
        self._rendered.remove_sheet(record.study_key, record.id)
        self._on_ended(record)

    # ------------------------------------------------------------ handing over

    def _hand_over_next(
        self, seen: PrinterSeen, waiting: Sequence[PrintRecord], in_hand: Sequence[tuple[PrintRecord, JobSeen]]
    ) -> bool:
        """Hand over the next that may be. Returns whether there was one. What is held by a person blocks nobody."""
        at_work = sum(job.state is not JobState.HELD for _, job in in_hand)
        begun = {record.id for record, _ in in_hand}
        for record in waiting:
            if record.handed_at is not None or record.id in begun:
                continue
            if at_work and not (record.urgent and at_work < MOST_URGENT_AT_ONCE):
                return False
            if self._safely(record, functools.partial(self._begin, record, seen)):
                return True
        return False

    def _begin(self, record: PrintRecord, seen: PrinterSeen) -> bool:
        """Hand a print over, if it still waits. Returns whether it did."""
        current = self._prints.get(record.id)
        if current is None or current.state != "waiting" or current.handed_at is not None:
            return False
        self._hand_over(current, seen)
        return True

    def _hand_over(self, record: PrintRecord, seen: PrinterSeen | None) -> None:
        if not self._rendered.sheet(record.study_key, record.id).is_file():
            self._end(record, "refused", print_words.SHEET_LOST)
            return
        title = print_words.JOB_TITLE.format(
            exam=record.exam_number or record.study_key, version=record.version, id=f"{record.id}-{new_id()[:4]}"
        )
        job = self._job_named(f"({record.id}-") if record.posted else None
        if job is not None and not job.ended_empty:
            # The journal is an older copy: it was handed over after that.
            self._prints.hand_over(self._prints.job_is(self._prints.begin(record, job.name), job.id))
            return
        record = self._prints.begin(record, title)
        media = media_for(record.page_size, (seen or self._printer.printer()).media)
        job_id = self._printer.create_job(title, copies=record.copies, media=media, urgent=record.urgent)
        self._send(self._prints.job_is(record, job_id), job_id)

    def _send(self, record: PrintRecord, job_id: int) -> None:
        """Send the sheet, once it is noted that it may have arrived from now on."""
        try:
            content = self._rendered.sheet(record.study_key, record.id).read_bytes()
        except OSError:
            self._printer.cancel(job_id)
            self._end(record, "refused", print_words.SHEET_LOST)
            return
        record = self._prints.hand_over(record)
        self._followed_from[record.id] = self._monotonic()
        self.jobs += 1
        self._printer.send_document(job_id, content)

    # ------------------------------------------------------------ what is wrong

    def _tell(self, seen: PrinterSeen, in_hand: Sequence[tuple[PrintRecord, JobSeen]]) -> None:
        """Note what is wrong with the printer, and which sheets are held."""
        self.jobs = len(in_hand)
        now = self._monotonic()
        at_work = [(record, job) for record, job in in_hand if job.state is not JobState.HELD]
        longest = max((now - self._followed_from.get(record.id, now) for record, _ in at_work), default=0.0)
        trouble = self._trouble(seen, [job for _, job in at_work], longest)
        if trouble is None:
            self.explanation = print_words.READY
        else:
            said = next((job.message for _, job in at_work if job.message), "")
            self._note(trouble, message=printer_in_words(said) or print_words.SAYS_NOTHING)
        held = [
            self._add(print_words.JOB_HELD, exam=record.exam_number)
            for record, job in in_hand
            if job.state is JobState.HELD and "job-incoming" not in job.reasons
        ]
        self.problems.keep([*held, *([self.explanation] if trouble else [])])

    @staticmethod
    def _trouble(seen: PrinterSeen, at_work: Sequence[JobSeen], longest: float) -> PrinterTrouble | None:
        if not seen.accepting:
            return print_words.NOT_ACCEPTING
        if seen.state == "stopped":
            return trouble_of(seen.reasons) or print_words.PRINTER_STOPPED
        if severe := trouble_of(reason for reason in seen.reasons if reason.endswith("-error")):
            return severe
        return _why_stuck(seen, at_work, longest) if longest >= STUCK_SECONDS else None

    def _not_reached(self, reason: str, anything_waits: bool) -> float:
        self._failures += 1
        self._note(print_words.CANNOT_BE_ASKED, reason=reason)
        self.problems.keep([self.explanation])
        wait = min(self._pace.longest, self._pace.fresh * 2.0 ** min(self._failures, 10))
        return wait if anything_waits else max(wait, self._pace.idle)

    def _refused(self, problem: PrinterRefused) -> None:
        if problem.status == NOT_FOUND:
            trouble = print_words.NO_SUCH_PRINTER if self._told_to_staff else print_words.NO_OTHER_PRINTER
            self._note(trouble, server=self._printer.place.server)
        elif problem.status == NOT_ACCEPTING_JOBS:
            self._note(print_words.NOT_ACCEPTING)
        elif problem.status not in BUSY:
            self._note(print_words.REFUSES_JOBS, reason=str(problem))
        self.problems.keep([self.explanation])

    def _note(self, trouble: PrinterTrouble, **values: object) -> None:
        self.explanation = self._add(trouble, **values)

    def _add(self, trouble: PrinterTrouble, **values: object) -> str:
        """Note a trouble, and log it where it is new. Returns what it is."""
        named = {"printer": printer_in_words(self.name), **values}
        what = trouble.what.format(**named)
        for_staff = trouble.for_staff.format(**named)
        if self.problems.add(what, what, trouble.remedy, in_worklist=self._told_to_staff, for_staff=for_staff):
            _log.warning("%s", what)
        return what


def _why_stuck(seen: PrinterSeen, at_work: Sequence[JobSeen], longest: float) -> PrinterTrouble | None:
    """Why a sheet does not come out; None if nobody says so and it may still be at work."""
    if known := trouble_of((*seen.reasons, *(reason for job in at_work for reason in job.printer_reasons))):
        return known
    if any(says_that_it_is_off(job.message) for job in at_work):
        return print_words.OFF
    return print_words.LONG_IN_PRINT if longest >= LONG_SECONDS else None
