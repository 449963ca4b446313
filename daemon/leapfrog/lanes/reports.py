"""Decides when a study's report is rendered, and commits it. The publisher brings it to the folder that staff open.

The report of a growing study is rendered from time to time, not for every image. A study that has been quiet gets a
closing version, with the PDF and the objects that are owed to the district.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from leapfrog import __version__
from leapfrog.exam import ImageReading
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.produced import adopt
from leapfrog.processes.messages import ReportJob, ReportResult, Station
from leapfrog.settings import Settings
from leapfrog.state.journal import Journal
from leapfrog.state.records import CommittedReport, StudyRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from leapfrog.worklist.worklist import INDEX_NAME

RENDER_INTERVAL_SECONDS = 2.0  # the report of a growing study is rendered no more often than this
RENDER_PAUSE_LIMIT_SECONDS = 300.0

DerivedKind = Literal["report_pdf", "overlay"]
DERIVED_KINDS: tuple[DerivedKind, ...] = ("report_pdf", "overlay")

_log = logging.getLogger(__name__)


@dataclass
class _StudyClock:
    """When a study last changed and when it may be rendered again, on the monotonic clock. Not kept over a restart,
    which does no harm.
    """

    changed_at: float
    next_render_at: float = float("-inf")
    failures: int = 0

    def render_begins(self) -> None:
        """Set the earliest time for the next render: two seconds from now, doubled for each failure, so that a report
        that keeps failing does not hold up others.
        """
        pause = min(RENDER_INTERVAL_SECONDS * 2**self.failures, RENDER_PAUSE_LIMIT_SECONDS)
        self.next_render_at = time.monotonic() + pause


@dataclass(frozen=True)
class Render:
    """A report to render, of `study` as it was when chosen. `closing` makes it the closing version."""

    study: StudyRecord
    closing: bool


class Reports:
    """Chooses and renders reports, one at a time for each study. Any lane's thread may call it."""

    def __init__(
        self,
        *,
        settings: Settings,
        journal: Journal,
        spool: Spool,
        rendered: Rendered,
        on_report: Callable[[], None],
        on_deliveries: Callable[[], None],
        is_stopping: Callable[[], bool],
    ) -> None:
        """`on_report` is called when a report was committed and can be published, `on_deliveries` when something new is
        owed. A failure while `is_stopping` does not count.
        """
        self._settings = settings
        self._studies = Studies(journal)
        self._spool = spool
        self._rendered = rendered
        self._on_report = on_report
        self._on_deliveries = on_deliveries
        self._is_stopping = is_stopping
        self._lock = threading.Lock()  # guards the two below; never held during disk access
        self._clocks: dict[str, _StudyClock] = {}
        self._rendering: set[str] = set()

    def changed(self, study_key: str) -> None:
        """Note that a reading of the study was committed: its quiet time starts again."""
        now = time.monotonic()
        with self._lock:
            self._clocks.setdefault(study_key, _StudyClock(now)).changed_at = now

    # ------------------------------------------------------------ choosing

    def candidates(self) -> list[StudyRecord]:
        """Studies whose report may be due, oldest first, for the two methods below."""
        with self._lock:
            busy = set(self._rendering)  # before the query: a render that ends in between must not use its old row
        studies = [study for study in self._studies.open() if study.key not in busy]
        now = time.monotonic()
        with self._lock:
            for study in studies:
                self._clocks.setdefault(study.key, _StudyClock(now))
        return studies

    def claim_growing(self, candidates: Sequence[StudyRecord]) -> Render | None:
        """Claim a report that lacks readings and was not rendered a moment ago."""
        now = time.monotonic()
        for study in candidates:
            if study.changed and now >= self._clock(study).next_render_at:
                return self._claim(study, closing=False)
        return None

    def claim_settled(self, candidates: Sequence[StudyRecord]) -> Render | None:
        """Claim the report of a study whose images have all been read: at once if it lacks readings, and for the
        closing version when the study has been quiet.
        """
        now = time.monotonic()
        for study in candidates:
            clock = self._clock(study)
            unread = self._studies.unread(study.key)
            if study.changed and not unread and not clock.failures:
                return self._claim(study, closing=False)
            quiet = now - clock.changed_at >= self._settings.report.quiet_seconds
            if quiet and not unread and now >= clock.next_render_at:
                return self._claim(study, closing=True)
        return None

    def _clock(self, study: StudyRecord) -> _StudyClock:
        with self._lock:
            return replace(self._clocks[study.key])

    def _claim(self, study: StudyRecord, *, closing: bool) -> Render:
        with self._lock:
            self._rendering.add(study.key)
        return Render(study, closing)

    # ------------------------------------------------------------ rendering

    def render(self, lane: Lane, render: Render) -> None:
        """Render a claimed report on `lane` and commit it."""
        try:
            self._render(lane, render)
        finally:
            with self._lock:
                self._rendering.discard(render.study.key)

    def _render(self, lane: Lane, render: Render) -> None:
        study = render.study
        derived = tuple(kind for kind in DERIVED_KINDS if render.closing and self._settings.district.wants(kind))
        sent = not derived or study.derived_version == study.version
        if render.closing and study.version and not study.changed and sent:
            self._studies.close(study.key)
            self._forget_clock(study)
            return
        readings = tuple(self._studies.readings(study.key))
        work_dir = self._spool.work_dir(f"{study.key}-{study.version + 1}")
        with self._lock:
            self._clocks[study.key].render_begins()
        end = lane.run(self._job(render, readings, derived, work_dir))
        if isinstance(end, ReportResult):
            self._commit(render, end, work_dir)
        elif not self._is_stopping():
            with self._lock:
                self._clocks[study.key].failures += 1
            _log.warning("The report of study %s could not be rendered; it will be tried again.", study.key)
        self._spool.clear_work_dir(work_dir)

    def _job(
        self, render: Render, readings: tuple[ImageReading, ...], derived: tuple[DerivedKind, ...], work_dir: Path
    ) -> ReportJob:
        study = render.study
        return ReportJob(
            study_key=study.key,
            version=study.version + 1,
            received_at=study.received_at,
            station=station_of(self._settings),
            readings=readings,
            other_patient_ids=tuple(other.identity.patient_id for other in self._studies.sharing_uid(study)),
            pdf=render.closing or study.version == 0,
            derived=derived,
            page_size=self._settings.report.page_size,
            include_heatmaps=self._settings.report.include_heatmaps,
            worklist_href=f"../../{INDEX_NAME}",
            report_dir=self._rendered.folder(study.key),
            work_dir=work_dir,
        )

    def _commit(self, render: Render, result: ReportResult, work_dir: Path) -> None:
        study = render.study
        deliveries = adopt(self._spool, result.produced, work_dir)
        is_newest = self._studies.commit_report(
            CommittedReport(
                study_key=study.key,
                version=result.version,
                changes=study.changes,
                closing=render.closing,
                worklist_row=result.worklist_row.model_dump_json(),
                urgent=result.worklist_row.urgent,
                deliveries=deliveries,
                not_made=result.not_made,
            )
        )
        if not is_newest:  # it is rendered again, under a newer version
            for delivery in deliveries:
                self._spool.remove(delivery.spool_name or "")
            return
        if deliveries:
            self._on_deliveries()
        self._on_report()
        self._rendered.prune(study.key, result.version)
        if render.closing:
            self._forget_clock(study)
        else:
            with self._lock:
                self._clocks[study.key].failures = 0

    def _forget_clock(self, study: StudyRecord) -> None:
        with self._lock:
            self._clocks.pop(study.key, None)


def station_of(settings: Settings) -> Station:
    """The box, as it appears in reports."""
    return Station(
        name=settings.station.name,
        ae_title=settings.dicom.ae_title,
        language=settings.station.language,
        software_version=__version__,
    )
