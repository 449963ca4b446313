"""A journal with one study, and the schedule of its reports, rendered by a lane that writes empty files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from leapfrog.dicom.uids import mint_uid
from leapfrog.exam import ImageHeader, ImageReading, ModelUsed
from leapfrog.lanes.job_end import GivenUp, ReaderDied
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.reports import Render, Reports
from leapfrog.language.sentence import Sentence
from leapfrog.processes.messages import ProducedObject, ReportJob, ReportResult
from leapfrog.reader.objects.finished_object import Purpose, finish
from leapfrog.settings import Settings
from leapfrog.spool_file.record import DerivedKind
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from leapfrog.state.records import StudyRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.spool import Spool
from leapfrog.state.station.station_key import StationKey
from leapfrog.state.studies import Studies
from leapfrog.wording.content import content_of
from leapfrog.wording.report_words import WorklistRow
from support.journal_rows import commit, new_instance, reading_of
from support.readings import finding

ROW = WorklistRow(
    patient=Sentence("Okello, Grace"),
    patient_id=Sentence("KIT-1"),
    exam=Sentence("CR CHEST"),
    received=Sentence("2026-11-03 14:25"),
    exam_date="2026-11-02",
    kind="look",
    headline=Sentence("Urgent: 1 finding needs a look: Nodule"),
    urgent=True,
    images=Sentence("1 image"),
)


def reading_by(instance_id: str, model: ModelUsed) -> ImageReading:
    return reading_of(instance_id).model_copy(update={"model": model})


class Pen:
    """A lane that renders by writing empty files, or fails. `meanwhile` is called in between."""

    def __init__(self) -> None:
        self.jobs: list[ReportJob] = []
        self.fails = False
        self.given_up: list[ReportJob] = []
        self.leaves_out: frozenset[DerivedKind] = frozenset()  # kinds of which there is nothing to make
        self.meanwhile: Callable[[], object] = lambda: None

    def give_up(self, job: ReportJob) -> None:
        self.given_up.append(job)

    def run(self, job: ReportJob) -> ReportResult | ReaderDied | GivenUp:
        self.jobs.append(job)
        self.meanwhile()
        if job in self.given_up:
            return GivenUp()
        if self.fails:
            return ReaderDied("for the test")
        for kind in ("html", "json", *(["pdf"] if job.pdf else [])):
            (job.report_dir / f"report-{job.version}.{kind}").touch()
        return ReportResult(
            study_key=job.study_key,
            version=job.version,
            artefacts=(),
            worklist_row=ROW.model_copy(
                update={
                    "exam_number": job.exam_number,
                    "replaced_models": content_of(job.readings, models_in_use=job.models_in_use).replaced_models,
                }
            ),
            produced=tuple(self._made(job, kind) for kind in job.derived if kind not in self.leaves_out),
        )

    @staticmethod
    def _made(job: ReportJob, kind: DerivedKind) -> ProducedObject:
        with (job.work_dir / f"{kind}.dcm").open("w+b") as stream:
            stream.write(b"bytes")
            purpose = Purpose(kind, job.study_key, version=job.version)
            return finish(stream, f"{kind}.dcm", purpose, "1.2.840.10008.5.1.4.1.1.104.1", mint_uid(), mint_uid())


class Desk:
    """A journal with one study of one image that was read, and the schedule of its reports."""

    def __init__(self, directory: Path, url: str = "", destinations: Sequence[dict[str, Any]] = ()) -> None:
        settings = Settings.model_validate(
            {
                "station": {"state_dir": directory},
                "report": {"quiet_seconds": 0},
                "district": {"url": url},
                "destination": destinations,
            }
        )
        self.waiting_when_woken: list[int] = []
        self.reported: list[int] = []
        self.journal = Journal(directory / "journal.sqlite")
        self.studies = Studies(self.journal)
        self.pen = Pen()
        self.models_in_use: dict[str, str] = {}
        self.key: StationKey | None = None
        self._settings = settings
        self.spool = Spool(directory / "spool", 0)
        self.reports = self.restarted()
        self.read_one()

    def restarted(self, on_large: Callable[[], None] | None = None) -> Reports:
        """The schedule as it is right after a start; `on_large`: with a side lane."""
        return Reports(
            settings=self._settings,
            journal=self.journal,
            spool=self.spool,
            rendered=Rendered(self._settings.station.state_dir / "rendered"),
            models_in_use=lambda: self.models_in_use,
            on_report=lambda: self.reported.append(self.study().version),
            on_deliveries=lambda: self.waiting_when_woken.append(self.journal.counts("deliveries")["waiting"]),
            is_stopping=lambda: False,
            station_key=self.key,
            on_large=on_large,
        )

    def study(self) -> StudyRecord:
        (study,) = self.studies.newest(1)
        return study

    def read_one(self, **values: Any) -> None:
        new = new_instance(owed=False, **values)
        Instances(self.journal).add(new)
        commit(self.journal, new.id)
        self.reports.changed(self.study().key)

    def receive_one(self) -> str:
        """One more image of the same study, which waits to be read; its id."""
        new = new_instance(owed=False, study=self.study().identity)
        Instances(self.journal).add(new)
        return new.id

    def read_received(self, instance_id: str) -> None:
        commit(self.journal, instance_id)
        self.reports.changed(self.study().key)

    def read_with(self, model: ModelUsed) -> None:
        """One more image of the same study, read by `model`."""
        new = new_instance(owed=False, study=self.study().identity)
        Instances(self.journal).add(new)
        commit(self.journal, new.id, reading=reading_by(new.id, model))
        self.reports.changed(self.study().key)

    def read_urgent(self, *names: str) -> None:
        """One more image of the same study, a chest film with these urgent findings."""
        new = new_instance(owed=False, study=self.study().identity)
        found = tuple(
            finding(name, 0.9, flagged=True, urgent=True, urgent_threshold=0.8, shows_where=False) for name in names
        )
        reading = reading_of(new.id).model_copy(
            update={"outcome": "findings", "findings": found, "header": ImageHeader(modality="CR")}
        )
        Instances(self.journal).add(new)
        commit(self.journal, new.id, reading=reading)
        self.reports.changed(self.study().key, reading)

    def render(self, claimed: Render | None) -> None:
        assert claimed is not None
        self.reports.render(cast(Lane, self.pen), claimed)
