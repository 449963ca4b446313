"""Decides when a study's report is rendered, and commits it. The publisher brings it to the folder that staff open.

The report of a growing study is rendered from time to time, not for every image. A study that has been quiet gets a
closing version, with the PDF and the objects that are owed to destinations; what is urgent does not wait for that.

All that of a large exam takes a minute and more. What is urgent in it is shown at once by a page alone, which a lane
makes in a second; the side lane follows with the rest, and gives up for that page whatever it makes of the same exam.
"""

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol

from leapfrog.errors import ReaderNotStarted, StorageError
from leapfrog.exam import ImageReading
from leapfrog.lanes.agenda import Agenda
from leapfrog.lanes.beside import Beside
from leapfrog.lanes.failed_reports import FailedReports
from leapfrog.lanes.job_end import DiskRefused, GivenUp
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.paper import Paper
from leapfrog.lanes.patient_numbers import PatientNumbers
from leapfrog.lanes.readings import DISK_PAUSE_SECONDS
from leapfrog.lanes.report_jobs import ReportJobs
from leapfrog.lanes.results import Results
from leapfrog.lanes.sheets import Sheets
from leapfrog.problem import Problem
from leapfrog.processes.messages import ReportJob, ReportResult, Sheet
from leapfrog.settings import Settings
from leapfrog.spool_file.record import DerivedKind
from leapfrog.state.answers import Answers
from leapfrog.state.journal import Journal
from leapfrog.state.prints import UNKNOWN_RESULT, NewPrint, PrintRecord, Prints
from leapfrog.state.records import CommittedReport, StudyRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.sent_results import SentResult
from leapfrog.state.spool import Spool
from leapfrog.state.station.station_key import StationKey
from leapfrog.state.studies import Studies
from leapfrog.wording.content import replaced_models

# An exam with so many readings has its reports made on the side lane, where there is one. With fewer, a report takes
# about as long as the reading of one film, which is not worth the start of another program.
LARGE_EXAM = 13
NOT_ITS_FAULT = (OSError, StorageError, ReaderNotStarted)  # of the disk and the machine, and told as theirs
MOST_LOOKS = 50  # studies looked at in one choice; more than one only after a start or when several were forgotten

_log = logging.getLogger(__name__)


class _Claim(Protocol):
    """How the agenda is asked for a study."""

    @abstractmethod
    def __call__(self, *, large: bool) -> str | None:
        """Its key; None when none is due."""


@dataclass(frozen=True)
class Render:
    """A report to render, of `study` as it was when chosen. `closing` makes it the closing version. `page_only`: it is
    to be shown as soon as can be, and the rest follows. `beside`: the side lane makes it.
    """

    study: StudyRecord
    closing: bool
    page_only: bool = False
    beside: bool = False


class _Outcome(Enum):
    """What came of a render."""

    MADE = auto()
    GIVEN_UP = auto()
    REFUSED = auto()
    FAILED = auto()


_AGAIN_IN = {_Outcome.GIVEN_UP: 0.0, _Outcome.REFUSED: DISK_PAUSE_SECONDS}  # seconds


class Reports:
    """Chooses and renders reports, one at a time for each study. Any lane's thread may call it."""

    def __init__(
        self,
        *,
        settings: Settings,
        journal: Journal,
        spool: Spool,
        rendered: Rendered,
        models_in_use: Callable[[], Mapping[str, str]],
        on_report: Callable[[], None],
        on_deliveries: Callable[[], None],
        is_stopping: Callable[[], bool],
        station_key: StationKey | None = None,
        patient_numbers: PatientNumbers | None = None,
        on_large: Callable[[], None] | None = None,
    ) -> None:
        """`models_in_use` gives the versions of the packages, by name. `on_report` is called when a report was
        committed and can be published, `on_deliveries` when something new is owed. A failure while `is_stopping` does
        not count. With a `station_key` the sheets have a code that it signed, with numbers that `patient_numbers` may
        know already. `on_large` is called when the side lane has something to do; None where there is none, and then
        `side_lane_serves` is not called either.
        """
        self._studies = Studies(journal)
        self._results = Results(settings, journal, spool)
        self._prints = Prints(journal)
        self._paper = Paper(settings.print, self._prints)
        self._sheets = Sheets(journal, on_deliveries, self._is_large)
        self._answers = Answers(journal)
        self._spool = spool
        self._rendered = rendered
        self._models_in_use = models_in_use
        self._on_report = on_report
        self._on_deliveries = on_deliveries
        self._is_stopping = is_stopping
        self._on_large = on_large
        self._side_lane_serves = on_large is not None
        self._beside = Beside()
        self._failed = FailedReports()
        self._agenda = Agenda(settings.report.quiet_seconds)
        self._jobs = ReportJobs(
            settings=settings,
            journal=journal,
            rendered=rendered,
            results=self._results,
            models_in_use=models_in_use,
            station_key=station_key,
            patient_numbers=patient_numbers or PatientNumbers(),
            on_mentioned=self._agenda.changed,
        )

    def problems(self) -> tuple[Problem, ...]:
        """Which reports cannot be made."""
        return self._failed.problems()

    def look_for_open_studies(self) -> None:
        """Take up the studies that are open in the journal: the last run left them so, or they were brought back."""
        self._agenda.take_up(self._studies.to_take_up())

    def mark(self, study_key: str) -> None:
        """Take up a study whose report is to say that its model was replaced, or is to say so no longer."""
        self._agenda.take_up({study_key: False})

    def changed(self, study_key: str, reading: ImageReading | None = None) -> None:
        """Note that a `reading` of the study was committed, or that its report lacks something else: its quiet time
        starts again.
        """
        urgent = reading is not None and self._results.is_unshown(study_key, (reading,))
        self._agenda.changed(study_key, urgent=urgent)
        if urgent:
            self.give_up(study_key)

    def side_lane_serves(self, *, serves: bool) -> None:
        """Have the side lane make the reports of large exams, or the other lanes while it cannot."""
        self._side_lane_serves = serves
        if not serves:
            self._agenda.nothing_is_large()
        self._sheets.look()

    def give_up(self, study_key: str) -> None:
        """Give up the report of this study, if the side lane makes it now: it takes long. It is made anew."""
        self._beside.overtake(study_key)

    # ------------------------------------------------------------ choosing

    def claim_growing(self, *, large: bool = False) -> Render | None:
        """Claim a report that may go before waiting images: it lacks readings and was not rendered a moment ago, or its
        closing version has waited too long. `large`: one for the side lane.
        """
        return self._claimed(self._agenda.claim_growing, self._growing, large=large) or self._claimed(
            self._agenda.claim_overdue, self._closing, large=large
        )

    def claim_settled(self, *, large: bool = False) -> Render | None:
        """Claim the report of a study whose images have all been read: at once if it lacks readings, and for the
        closing version when the study has been quiet. `large`: one for the side lane.
        """
        return self._claimed(self._agenda.claim_idle, self._settled, large=large) or self._claimed(
            self._agenda.claim_closing, self._closing, large=large
        )

    def seconds_until_due(self, most: float, *, large: bool = False) -> float:
        """How long a lane that found nothing to do, or the side lane if `large`, may sleep, at most `most`."""
        return self._agenda.seconds_until_due(most, large=large)

    def _claimed(
        self, claim: _Claim, render_if_due: Callable[[StudyRecord], Render | None], *, large: bool
    ) -> Render | None:
        """The first study that the agenda offers and that is due according to the journal.

        It is claimed before it is looked at: so no other lane can render it as it was a moment ago.
        """
        for _ in range(MOST_LOOKS):
            key = claim(large=large)
            if key is None:
                return None
            study = self._studies.find(key)
            if study is None:
                self._gone(key)
            elif study.state == "quiet":
                self._agenda.finished(key, 0.0, closed=True)
            elif self._on_large and not large and self._is_for_side_lane(study):
                self._agenda.is_large(key, lacking=self._lacks(study))
                self._on_large()
            elif render := render_if_due(study):
                if large:
                    return replace(render, beside=True)
                return Render(study, closing=False, page_only=True) if self._is_large(study) else render
        return None

    def _is_large(self, study: StudyRecord) -> bool:
        return self._side_lane_serves and study.changes >= LARGE_EXAM

    def _is_for_side_lane(self, study: StudyRecord) -> bool:
        """Whether the study is large, and has nothing to show that is urgent: the side lane gives way to everybody."""
        return self._is_large(study) and not (
            study.changed and self._results.is_unshown(study.key, tuple(self._studies.readings(study.key)))
        )

    def _lacks(self, study: StudyRecord) -> bool:
        """Whether its report lacks readings, or has something urgent that was not told yet."""
        return study.changed or self._results.is_behind(study.key)

    def _growing(self, study: StudyRecord) -> Render | None:
        if self._lacks(study):
            return Render(study, closing=False)
        self._agenda.put_back(study.key, lacking=False, whole=True)
        return None

    def _settled(self, study: StudyRecord) -> Render | None:
        whole, lacking = self._studies.is_whole(study.key), self._lacks(study)
        if lacking and whole:
            return Render(study, closing=False)
        self._agenda.put_back(study.key, lacking=lacking, whole=whole)
        return None

    def _closing(self, study: StudyRecord) -> Render | None:
        if self._studies.is_whole(study.key):
            return Render(study, closing=True)
        self._agenda.put_back(study.key, lacking=self._lacks(study), whole=False)
        return None

    # ------------------------------------------------------------ rendering

    def render(self, lane: Lane, render: Render) -> None:
        """Render a claimed report on `lane` and commit it."""
        if self._studies.find(render.study.key) is None:  # it was forgotten since it was claimed
            self._gone(render.study.key)
            return
        key, began, outcome = render.study.key, time.monotonic(), _Outcome.FAILED
        try:
            with self._beside.making(key) if render.beside else nullcontext():
                outcome = self._render(lane, render)
        except NOT_ITS_FAULT:
            outcome = _Outcome.REFUSED
            raise
        finally:
            if outcome is _Outcome.FAILED and not self._is_stopping():
                self._failed.failed(render.study)
            self._agenda.finished(
                key,
                time.monotonic() - began,
                closed=outcome is _Outcome.MADE and render.closing,
                failed=outcome is _Outcome.FAILED,
                again_in=_AGAIN_IN.get(outcome),
                untold=self._results.is_behind(key),
            )
        if outcome is _Outcome.MADE:
            self._failed.settled(key)
            self._show_answers_that_came(key)

    def _gone(self, study_key: str) -> None:
        self._agenda.forget(study_key)
        self._failed.settled(study_key)

    def _show_answers_that_came(self, study_key: str) -> None:
        """Have a report made again for which an answer came while it was rendered: it may have closed the study."""
        study = self._studies.find(study_key)
        if study is not None and study.answers_shown != self._answers.of_exam(study_key).mark:
            self._studies.reopen(study_key)
            self._agenda.take_up({study_key: False})

    def _render(self, lane: Lane, render: Render) -> _Outcome:
        study = render.study
        readings = tuple(self._studies.readings(study.key))
        derived = self._derived(render, readings)
        sent = not derived or study.derived_version == study.version
        is_known = bool(study.version) and not study.changed and sent  # by staff and by the destinations
        printed = self._paper.sheet_for(study, closing=render.closing)
        tells = True
        if render.page_only:
            tells = not (printed or self._results.wanted(study.key, readings))
            printed = None
        if is_known and render.closing and self._says_everything(study):
            return _Outcome.MADE if self._close(lane, study, printed) else _Outcome.FAILED
        derived = () if is_known else derived
        replaces = self._results.sent(study.key) if derived else ()
        work_dir = self._spool.work_dir(f"{study.key}-{study.version + 1}")
        sheet = printed[1] if printed else None
        job = self._jobs.job(
            study,
            readings,
            work_dir,
            sheet,
            version=study.version + 1,
            pdf=not render.page_only and (render.closing or bool(derived) or self._is_worth_a_pdf(study, readings)),
            derived=derived,
            replaces=replaces,
        )
        self._rendered.clear_version(study.key, job.version)
        end = self._beside.run(lane, job) if render.beside else lane.run(job)
        outcome = _Outcome.FAILED
        if isinstance(end, ReportResult):
            outcome = _Outcome.MADE
            to_print = self._paper.print_of(printed[0], end) if printed else None
            self._commit(render, job, end, to_print, same_readings=is_known, replaces=replaces, tells=tells)
        elif isinstance(end, GivenUp):
            outcome = _Outcome.GIVEN_UP
            _log.info(
                "The report of exam %s that was being made is given up: something urgent is to be shown first, or the"
                " exam to be forgotten.",
                study.exam_number,
            )
        elif isinstance(end, DiskRefused):
            outcome = _Outcome.REFUSED
            _log.warning(
                "The report of exam %s waits: the disk of the state directory: %s.", study.exam_number, end.detail
            )
        self._spool.clear_work_dir(work_dir)
        return outcome

    def _derived(self, render: Render, readings: tuple[ImageReading, ...]) -> tuple[DerivedKind, ...]:
        """The objects that the version makes: a closing one, or one that tells something urgent."""
        if render.page_only:
            return ()
        if render.closing or self._results.is_untold(render.study.key, readings):
            return self._results.wanted(render.study.key, readings)
        return ()

    def _is_worth_a_pdf(self, study: StudyRecord, readings: tuple[ImageReading, ...]) -> bool:
        """Whether a version before the closing one has a PDF, which is four fifths of the work for a report: one that
        tells something urgent, and the first, unless images of the study wait to be read. Nobody should print what is
        about to be replaced.
        """
        return self._results.is_untold(study.key, readings) or (
            study.version == 0 and self._studies.is_whole(study.key)
        )

    def _close(self, lane: Lane, study: StudyRecord, printed: tuple[str, Sheet] | None) -> bool:
        """Close a study whose last report says everything: nothing is made but perhaps the sheet that is printed."""
        if printed is None:
            if not study.paper_is_settled:
                self._prints.settle(study.key, study.changes, study.settled_result or UNKNOWN_RESULT, None)
            self._studies.close(study.key)
            return True
        print_id, sheet = printed
        result = self._make_sheet(lane, study, sheet)
        if result is None:
            return False
        to_print = self._paper.print_of(print_id, result)
        self._prints.settle(study.key, study.changes, result.result, to_print)
        if to_print is not None:
            self._on_deliveries()
        return True

    # ------------------------------------------------------------ sheets that a person asked for

    def sheet_is_wanted(self) -> None:
        """Note that a person asked for a print. Returns at once."""
        self._sheets.look()

    def claim_sheet(self, *, large: bool = False) -> PrintRecord | None:
        """Claim a sheet that is to be made of a report that was made before. `large`: one for the side lane."""
        return self._sheets.claim(large=large)

    def render_sheet(self, lane: Lane, record: PrintRecord) -> None:
        """Make a claimed sheet on `lane`."""

        def render(study: StudyRecord, sheet: Sheet) -> ReportResult | None:
            result = self._make_sheet(lane, study, sheet)
            if result is None and not self._is_stopping() and not self._studies.get(study.key).changed:
                self._sheets.failed(record)
            return result

        try:
            self._sheets.make(record, render)
        except NOT_ITS_FAULT:
            raise
        except Exception:  # a sheet comes first: tried for ever, it would leave its lane no time for anything else
            self._sheets.failed(record)
            raise

    def _make_sheet(self, lane: Lane, study: StudyRecord, sheet: Sheet) -> ReportResult | None:
        """Make the sheet of a study's last report, which says everything. None when that failed, or when the study has
        readings by now that this report lacks: a sheet, and the code on it, say what its version says.
        """
        readings = tuple(self._studies.readings(study.key))
        if self._studies.get(study.key).changed:
            return None
        work_dir = self._spool.work_dir(f"{study.key}-{sheet.name}")
        job = self._jobs.job(study, readings, work_dir, sheet, version=study.version)
        end = lane.run(job.model_copy(update={"only_sheet": True}))
        self._rendered.sync_names()
        self._spool.clear_work_dir(work_dir)
        return end if isinstance(end, ReportResult) else None

    # ------------------------------------------------------------ what comes of it

    def _says_everything(self, study: StudyRecord) -> bool:
        """Whether the last report, which has every reading, lacks nothing that a closing version has."""
        return (
            self._rendered.has_pdf(study.key, study.version)
            and study.shows_number
            and study.answers_shown == self._answers.of_exam(study.key).mark
            and self._says_which_models_were_replaced(study)
        )

    def _says_which_models_were_replaced(self, study: StudyRecord) -> bool:
        return study.replaced_models == replaced_models(self._studies.models_of(study.key), self._models_in_use())

    def _commit(
        self,
        render: Render,
        job: ReportJob,
        result: ReportResult,
        to_print: NewPrint | None,
        *,
        same_readings: bool,
        replaces: Sequence[SentResult],
        tells: bool,
    ) -> None:
        """Commit what was made. It `tells` what is urgent to everybody, unless the rest is to follow."""
        study = render.study
        self._rendered.sync_names()
        deliveries = self._results.adopt(study.key, result.produced, job.work_dir, job.readings)
        superseded = self._studies.commit_report(
            CommittedReport(
                study_key=study.key,
                version=result.version,
                changes=study.changes,
                closing=render.closing,
                worklist_row=result.worklist_row.model_dump_json(),
                urgent=result.worklist_row.urgent,
                deliveries=deliveries,
                is_sent=bool(job.derived),
                replaces=frozenset(one.sop_instance_uid for one in replaces),
                not_made=result.not_made,
                same_readings=same_readings,
                result=result.result,
            ),
            to_print,
        )
        if superseded is None:  # it is rendered again, under a newer version
            for delivery in deliveries:
                self._spool.remove(delivery.spool_name or "")
            if to_print is not None:
                self._rendered.remove_sheet(study.key, to_print.id)
            self._agenda.changed(study.key)
            return
        for name in superseded:
            self._spool.remove(name)
        note = self._results.told if tells else self._results.shown
        note(study.key, job.readings)
        if deliveries or to_print:
            self._on_deliveries()
        self._sheets.look()
        self._on_report()
        self._rendered.prune(study.key, result.version)
