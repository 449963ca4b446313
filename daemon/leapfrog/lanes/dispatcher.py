"""Chooses what each lane does next and commits what came of it.

The order: a study's first report before anything else, so that staff see something at once; then images in the order
in which they came; then newer report versions, coalesced; last the closing version of studies that have been quiet.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

from leapfrog import __version__
from leapfrog.errors import LeapfrogError
from leapfrog.exam import Identity, ImageHeader, ImageReading
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.outcome import DeadlineMissed, EngineDied, ReaderDied
from leapfrog.processes.messages import ProducedObject, ReadJob, ReadResult, ReportJob, ReportResult, Station
from leapfrog.settings import Settings
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import (
    CommittedReading,
    CommittedReport,
    DeliveryKind,
    InstanceRecord,
    NewDelivery,
    StudyRecord,
)
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from leapfrog.wording import text as wording
from leapfrog.worklist.publication import publish
from leapfrog.worklist.summary import summarise
from leapfrog.worklist.worklist import INDEX_NAME

READER_DEATH_LIMIT = 3
ENGINE_FAILURE_LIMIT = 5
INTERRUPTION_LIMIT = 10
RENDER_INTERVAL_SECONDS = 2.0  # a study that still grows is rendered no more often than this
RENDER_PAUSE_LIMIT_SECONDS = 300.0
IDLE_SECONDS = 1.0  # how long a lane waits at most before it looks again

DERIVED_KINDS: tuple[Literal["report_pdf", "overlay"], ...] = ("report_pdf", "overlay")

READER_DIED = (
    "The reading program stopped {count} times while it worked on this file. The file may be damaged: send the image"
    " again from the machine that made it, or have it looked at by a person."
)
ENGINE_DIED = (
    "The model could not be run on this image ({count} attempts). The image is kept: look at it yourself, and call the"
    " technician; `leapfrog retry` has it read again."
)
INTERRUPTED = (
    "Reading this image was cut short {count} times by the box being switched off or restarted. It is kept;"
    " `leapfrog retry` has it read again."
)

_log = logging.getLogger(__name__)


@dataclass
class _StudyClock:
    """When, on the monotonic clock, a study last changed and may be rendered again. Lost at a restart, and may be."""

    changed_at: float
    next_render_at: float = float("-inf")
    failures: int = 0

    def render_begins(self) -> None:
        """Space renders out: two seconds, doubled with each failure, so that a report that fails starves nothing."""
        pause = min(RENDER_INTERVAL_SECONDS * 2**self.failures, RENDER_PAUSE_LIMIT_SECONDS)
        self.next_render_at = time.monotonic() + pause


@dataclass(frozen=True)
class _Render:
    study: StudyRecord
    closing: bool


class Dispatcher:
    """Feeds the lanes, one thread each. What it knows besides the journal are times, which a restart may forget."""

    def __init__(
        self,
        *,
        settings: Settings,
        journal: Journal,
        spool: Spool,
        lanes: Sequence[Lane],
        on_deliveries: Callable[[], None],
        on_report: Callable[[], None],
        on_fatal: Callable[[str], None],
    ) -> None:
        """`on_deliveries` is called when something new is owed, `on_report` when a report appeared, `on_fatal` when
        this part cannot go on.
        """
        self._settings = settings
        self._instances = Instances(journal)
        self._studies = Studies(journal)
        self._spool = spool
        self._lanes = lanes
        self._on_deliveries = on_deliveries
        self._on_report = on_report
        self._on_fatal = on_fatal
        self._choosing = threading.Lock()
        self._condition = threading.Condition()  # guards what follows; never held while the disk works
        self._wakes = 0
        self._stopping = False
        self._clocks: dict[str, _StudyClock] = {}
        self._rendering: set[str] = set()
        self._beats = [time.monotonic()] * len(lanes)
        self._threads = [
            threading.Thread(target=self._work, args=(index, lane), name=f"lane-{index}")
            for index, lane in enumerate(lanes)
        ]

    def start(self) -> None:
        """Switch reports that were committed and not yet shown, then begin."""
        for study in self._studies.unpublished():
            self._publish(study, study.version)
        for lane in self._lanes:
            lane.start()
        for thread in self._threads:
            thread.start()

    def stop(self, drain_seconds: float = 20.0) -> None:
        """Let each lane finish what it has in hand, for so long; then cut it short, which is charged to no image."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        deadline = time.monotonic() + drain_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for lane in self._lanes:
            lane.close()
        for thread in self._threads:
            thread.join()

    def heartbeat(self) -> float:
        """The oldest of the lanes' last signs of life (time.monotonic)."""
        return min(self._beats)

    def wake(self) -> None:
        """Something new may be there. Returns at once: the receiver calls this before it answers the modality."""
        with self._condition:
            self._wakes += 1
            self._condition.notify_all()

    # ------------------------------------------------------------ choosing

    def _work(self, index: int, lane: Lane) -> None:
        try:
            while True:
                self._beats[index] = time.monotonic()
                wakes = self._wakes
                if self._stopping:
                    return
                with self._choosing:
                    chosen = self._choose()
                if isinstance(chosen, InstanceRecord):
                    self._read(lane, chosen)
                elif chosen is not None:
                    self._render(lane, chosen)
                else:
                    self._wait(wakes)
        except Exception as problem:  # the daemon starts afresh rather than run on with a lane missing
            _log.exception("Lane %d stopped.", index)
            self._on_fatal(str(problem) if isinstance(problem, LeapfrogError) else "A lane stopped.")

    def _wait(self, wakes: int) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._stopping or self._wakes != wakes, IDLE_SECONDS)

    def _choose(self) -> InstanceRecord | _Render | None:
        now = time.monotonic()
        studies = [study for study in self._studies.open() if study.key not in self._rendering]
        for study in studies:
            clock = self._clocks.setdefault(study.key, _StudyClock(changed_at=now))
            if study.changed and now >= clock.next_render_at:
                return self._claim(study, closing=False)
        record = self._instances.begin_attempt()
        if record is not None:
            return record
        for study in studies:
            clock = self._clocks[study.key]
            unread = self._studies.unread(study.key)
            if study.changed and not unread and not clock.failures:
                return self._claim(study, closing=False)
            quiet = now - clock.changed_at >= self._settings.report.quiet_seconds
            if quiet and not unread and now >= clock.next_render_at:
                return self._claim(study, closing=True)
        return None

    def _claim(self, study: StudyRecord, *, closing: bool) -> _Render:
        self._rendering.add(study.key)
        return _Render(study, closing)

    # ------------------------------------------------------------ reading

    def _read(self, lane: Lane, record: InstanceRecord) -> None:
        if record.interruptions >= INTERRUPTION_LIMIT:
            self._set_aside(record, INTERRUPTED.format(count=record.interruptions))
            return
        study = self._studies.get(record.study_key)
        work_dir = self._spool.work_dir(record.id)
        answer = lane.run(
            ReadJob(
                instance_id=record.id,
                attempt=record.attempt_number,
                source_path=self._spool.path(record.spool_name),
                source=record.source,
                received_at=record.received_at,
                sop_instance_uid=record.sop_instance_uid,
                picture=record.picture,
                hints=record.hints,
                forward_as=record.forward_as,
                report_dir=self.report_dir(study),
                work_dir=work_dir,
            )
        )
        match answer:
            case ReadResult():
                self._commit_reading(answer, work_dir)
            case ReaderDied() | DeadlineMissed(charged_to="reader"):
                self._after_reader_death(record)
            case EngineDied() | DeadlineMissed():
                self._after_engine_failure(record)
            case ReportResult():
                raise LeapfrogError("A lane answered a report to an image.")
            case _:
                assert_never(answer)
        self._spool.clear_work_dir(work_dir)

    def _commit_reading(self, result: ReadResult, work_dir: Path) -> None:
        wrapped = [produced for produced in result.produced if produced.role == "wrapped"]
        copies = [produced for produced in result.produced if produced.role == "forward_copy"]
        owed = self._owes("original")
        deliveries = self._adopt(wrapped, work_dir, {"wrapped": "original"}) if owed else ()
        forward_copies = self._adopt(copies, work_dir, {"forward_copy": "original"}) if owed else ()
        self._instances.commit_reading(
            CommittedReading(
                instance_id=result.instance_id,
                state=result.state,
                reading=result.reading,
                dataset_sha256=result.dataset_sha256,
                deliveries=deliveries,
                forward_copy=forward_copies[0] if forward_copies else None,
            )
        )
        self._after_reading(result.instance_id, bool(deliveries or forward_copies))

    def _after_reading(self, instance_id: str, owed: bool) -> None:
        record = self._instances.get(instance_id)
        with self._condition:
            if record is not None:
                now = time.monotonic()
                self._clocks.setdefault(record.study_key, _StudyClock(changed_at=now)).changed_at = now
        self.wake()
        if owed:
            self._on_deliveries()

    def _after_reader_death(self, record: InstanceRecord) -> None:
        if self._stopping:
            self._instances.end_attempt(record.id, "interruption")
            return
        charged = self._instances.end_attempt(record.id, "reader")
        _log.warning("A reader died over instance %s (%d of %d).", record.id, charged.attempts, READER_DEATH_LIMIT)
        if charged.attempts >= READER_DEATH_LIMIT:
            self._set_aside(charged, READER_DIED.format(count=charged.attempts))

    def _after_engine_failure(self, record: InstanceRecord) -> None:
        if self._stopping:
            self._instances.end_attempt(record.id, "interruption")
            return
        charged = self._instances.end_attempt(record.id, "engine")
        _log.warning("The engine failed on instance %s (%d times).", record.id, charged.engine_failures)
        if charged.engine_failures >= ENGINE_FAILURE_LIMIT:
            self._set_aside(charged, ENGINE_DIED.format(count=charged.engine_failures))

    def _set_aside(self, record: InstanceRecord, reason: str) -> None:
        """No reader could say anything of this instance, so its reading holds only what the journal knows."""
        study = self._studies.get(record.study_key)
        reading = ImageReading(
            instance_id=record.id,
            sop_instance_uid=record.sop_instance_uid,
            source=record.source,
            identity=Identity(
                patient_id=study.identity.patient_id,
                issuer_of_patient_id=study.identity.issuer_of_patient_id,
                study_instance_uid=study.identity.study_instance_uid,
            ),
            header=ImageHeader(),
            outcome="not_assessed",
            reason=reason,
        )
        self._instances.commit_reading(CommittedReading(instance_id=record.id, state="set_aside", reading=reading))
        self._after_reading(record.id, owed=False)

    # ------------------------------------------------------------ rendering

    def _render(self, lane: Lane, render: _Render) -> None:
        study = render.study
        try:
            self._render_claimed(lane, render)
        finally:
            with self._condition:
                self._rendering.discard(study.key)
            self.wake()

    def _render_claimed(self, lane: Lane, render: _Render) -> None:
        study = render.study
        derived = tuple(kind for kind in DERIVED_KINDS if render.closing and self._owes(kind))
        if render.closing and study.version and not study.changed and not derived:
            self._studies.close(study.key)
            self._clocks.pop(study.key, None)
            return
        readings = tuple(self._studies.readings(study.key))
        version = study.version + 1
        work_dir = self._spool.work_dir(f"{study.key}-{version}")
        self._clocks[study.key].render_begins()
        answer = lane.run(
            ReportJob(
                study_key=study.key,
                version=version,
                received_at=study.received_at,
                station=Station(
                    name=self._settings.station.name,
                    ae_title=self._settings.dicom.ae_title,
                    language=self._settings.station.language,
                    software_version=__version__,
                ),
                readings=readings,
                conflicts=self._conflicts(study, readings),
                pdf=render.closing or study.version == 0,
                derived=derived,
                page_size=self._settings.report.page_size,
                include_heatmaps=self._settings.report.include_heatmaps,
                worklist_href=f"../../{INDEX_NAME}",
                report_dir=self.report_dir(study),
                work_dir=work_dir,
            )
        )
        if isinstance(answer, ReportResult):
            self._commit_report(render, answer, readings, work_dir)
        elif not self._stopping:
            self._clocks[study.key].failures += 1
            _log.warning("The report of study %s could not be made; it is tried again.", study.key)
        self._spool.clear_work_dir(work_dir)

    def _commit_report(
        self, render: _Render, result: ReportResult, readings: Sequence[ImageReading], work_dir: Path
    ) -> None:
        study = render.study
        deliveries = self._adopt(result.produced, work_dir, {"report_pdf": "report_pdf", "overlay": "overlay"})
        summary = summarise(readings)
        self._studies.commit_report(
            CommittedReport(
                study_key=study.key,
                version=result.version,
                changes=study.changes,
                closing=render.closing,
                summary=summary.model_dump_json(),
                urgent=summary.urgent,
                deliveries=deliveries,
                not_made=result.not_made,
            )
        )
        self._publish(study, result.version)
        self._clocks[study.key].failures = 0
        if render.closing:
            self._clocks.pop(study.key)
        if deliveries:
            self._on_deliveries()

    def _publish(self, study: StudyRecord, version: int) -> None:
        publish(self.report_dir(study), version)
        self._studies.mark_published(study.key, version)
        self._on_report()

    def _conflicts(self, study: StudyRecord, readings: Sequence[ImageReading]) -> tuple[str, ...]:
        found = [
            "The same study number was also received for another patient"
            f" (patient ID {other.identity.patient_id or 'not given'}). Check whose images these are."
            for other in self._studies.sharing_uid(study)
        ]
        for what, values in (
            ("patient name", {wording.person_name(reading.identity.patient_name) for reading in readings}),
            ("date of birth", {wording.date(reading.identity.birth_date) for reading in readings}),
        ):
            if len(given := sorted(values - {""})) > 1:
                found.append(f"The images of this study disagree about the {what}: {'; '.join(given)}.")
        return tuple(found)

    # ------------------------------------------------------------ places and debts

    def report_dir(self, study: StudyRecord) -> Path:
        """Where a study's report lies: by date and a key of ours, so that no path says whose it is."""
        path = self._settings.reports_dir / study.received_date / study.key
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
        return path

    def _owes(self, kind: DeliveryKind) -> bool:
        return bool(self._settings.district.url) and kind in self._settings.district.send

    def _adopt(
        self, produced: Sequence[ProducedObject], work_dir: Path, kinds: dict[str, DeliveryKind]
    ) -> tuple[NewDelivery, ...]:
        """Move what a reader made, and made durable, into the spool, and name what is owed with it."""
        deliveries = []
        moves = []
        for item in produced:
            delivery_id = new_id()
            spool_name = f"{delivery_id}.dcm"
            moves.append((work_dir / item.name, spool_name))
            deliveries.append(
                NewDelivery(
                    id=delivery_id,
                    kind=kinds[item.role],
                    sop_class_uid=item.sop_class_uid,
                    sop_instance_uid=item.sop_instance_uid,
                    spool_name=spool_name,
                    byte_count=item.byte_count,
                )
            )
        self._spool.adopt_all(moves)
        return tuple(deliveries)
