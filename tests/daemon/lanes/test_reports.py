"""When a study's report is due, and that lanes which choose at the same time do not disturb each other."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from leapfrog.lanes.job_end import ReaderDied
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.reports import Render, Reports
from leapfrog.processes.messages import ProducedObject, ReportJob, ReportResult
from leapfrog.settings import Settings
from leapfrog.spool_file.record import ProducedRole
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal, new_id
from leapfrog.state.records import StudyRecord
from leapfrog.state.rendered import Rendered
from leapfrog.state.spool import Spool
from leapfrog.state.studies import Studies
from leapfrog.wording.report import WorklistRow
from support.journal_rows import commit, new_instance

ROW = WorklistRow(
    patient="Okello, Grace",
    patient_id="KIT-1",
    exam="CR CHEST",
    received="2026-11-03 14:25",
    kind="nothing_flagged",
    headline="Nothing flagged",
    images="1 image",
)


class Pen:
    """A lane that renders by writing three empty files, or fails. `meanwhile` is called in between."""

    def __init__(self) -> None:
        self.jobs: list[ReportJob] = []
        self.fails = False
        self.meanwhile: Callable[[], object] = lambda: None

    def run(self, job: ReportJob) -> ReportResult | ReaderDied:
        self.jobs.append(job)
        self.meanwhile()
        if self.fails:
            return ReaderDied("for the test")
        for kind in ("html", "json", "pdf"):
            (job.report_dir / f"report-{job.version}.{kind}").touch()
        return ReportResult(
            study_key=job.study_key,
            version=job.version,
            artefacts=(),
            worklist_row=ROW,
            produced=tuple(self._made(job.work_dir, kind) for kind in job.derived),
        )

    @staticmethod
    def _made(work_dir: Path, kind: ProducedRole) -> ProducedObject:
        (work_dir / f"{kind}.dcm").write_bytes(b"bytes")
        uids = {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.104.1", "sop_instance_uid": new_id()}
        return ProducedObject(name=f"{kind}.dcm", role=kind, byte_count=5, sha256="", **uids)


class Desk:
    """A journal with one study of one image that was read, and the schedule of its reports."""

    def __init__(self, directory: Path, url: str = "") -> None:
        settings = Settings.model_validate(
            {"station": {"state_dir": directory}, "report": {"quiet_seconds": 0}, "district": {"url": url}}
        )
        self.waiting_when_woken: list[int] = []
        self.reported: list[int] = []
        self.journal = Journal(directory / "journal.sqlite")
        self.studies = Studies(self.journal)
        self.pen = Pen()
        self.reports = Reports(
            settings=settings,
            journal=self.journal,
            spool=Spool(directory / "spool", 0),
            rendered=Rendered(directory / "rendered"),
            on_report=lambda: self.reported.append(self.study().version),
            on_deliveries=lambda: self.waiting_when_woken.append(self.journal.counts("deliveries")["waiting"]),
            is_stopping=lambda: False,
        )
        self.read_one()

    def study(self) -> StudyRecord:
        (study,) = self.studies.newest(1)
        return study

    def read_one(self, **values: Any) -> None:
        new = new_instance(owed=False, **values)
        Instances(self.journal).add(new)
        commit(self.journal, new.id)
        self.reports.changed(self.study().key)

    def render(self, claimed: Render | None) -> None:
        assert claimed is not None
        self.reports.render(cast(Lane, self.pen), claimed)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def test_a_study_that_one_lane_renders_is_no_candidate_for_another(desk: Desk) -> None:
    reports, met = desk.reports, list[list[StudyRecord]]()
    desk.pen.meanwhile = lambda: met.append(reports.candidates())
    desk.render(reports.claim_growing(reports.candidates()))
    assert met == [[]]
    assert [study.version for study in reports.candidates()] == [1]


def test_a_study_that_is_finished_while_candidates_are_listed_is_not_chosen_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lane commits its report between the moments at which another looks at the journal and at what is busy."""
    reports, looked = desk.reports, list[list[StudyRecord]]()
    claimed = reports.claim_growing(reports.candidates())
    look = Studies.open

    def look_and_be_overtaken(studies: Studies) -> list[StudyRecord]:
        found = look(studies)
        monkeypatch.setattr(Studies, "open", look)
        desk.render(claimed)
        return found

    monkeypatch.setattr(Studies, "open", look_and_be_overtaken)
    looked.append(reports.candidates())
    assert desk.study().version == 1
    assert looked == [[]]


def test_a_report_that_is_overtaken_by_one_that_is_shown_is_rendered_again_under_a_newer_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a start finds that the journal is an older copy, while a lane renders already."""
    monkeypatch.setattr("leapfrog.lanes.reports.RENDER_INTERVAL_SECONDS", 0.0)
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    key = desk.study().key
    desk.render(desk.reports.claim_growing(desk.reports.candidates()))
    desk.pen.meanwhile = lambda: desk.studies.restore(key, 8, "{}", urgent=False, readings=desk.studies.readings(key))
    desk.render(desk.reports.claim_settled(desk.reports.candidates()))
    assert (desk.study().version, desk.study().state) == (8, "open")
    assert Spool(tmp_path / "spool", 0).names() == []
    desk.pen.meanwhile = lambda: None
    desk.render(desk.reports.claim_settled(desk.reports.candidates()))
    assert (desk.study().version, desk.study().state) == (9, "quiet")
    desk.journal.close()


def test_a_report_that_fails_is_put_off_and_does_not_count_as_a_version(desk: Desk) -> None:
    desk.pen.fails = True
    desk.render(desk.reports.claim_growing(desk.reports.candidates()))
    candidates = desk.reports.candidates()
    assert [study.version for study in candidates] == [0]
    assert desk.reports.claim_growing(candidates) is None
    assert desk.reports.claim_settled(candidates) is None


def test_the_last_version_closes_the_study_and_a_late_image_opens_it_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.lanes.reports.RENDER_INTERVAL_SECONDS", 0.0)
    reports = desk.reports
    desk.render(reports.claim_growing(reports.candidates()))
    assert desk.study().state == "open"
    desk.render(reports.claim_settled(reports.candidates()))
    assert desk.study().state == "quiet"
    assert [job.version for job in desk.pen.jobs] == [1]  # nothing had changed: the closing version is the same
    desk.read_one(study=desk.study().identity)
    assert desk.study().state == "open"
    desk.render(reports.claim_growing(reports.candidates()))
    assert desk.reported == [1, 2]  # each was committed when the publisher heard of it


def test_the_outbox_is_woken_when_what_a_closing_report_owes_waits_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.lanes.reports.RENDER_INTERVAL_SECONDS", 0.0)
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    desk.render(desk.reports.claim_growing(desk.reports.candidates()))
    assert desk.waiting_when_woken == []
    desk.render(desk.reports.claim_settled(desk.reports.candidates()))
    assert desk.waiting_when_woken == [2]
    desk.journal.close()


def test_a_study_that_opened_for_nothing_new_closes_without_sending_its_report_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.lanes.reports.RENDER_INTERVAL_SECONDS", 0.0)
    desk = Desk(tmp_path, "http://district.example/dicom-web")
    desk.render(desk.reports.claim_growing(desk.reports.candidates()))
    desk.render(desk.reports.claim_settled(desk.reports.candidates()))
    sent = desk.journal.counts("deliveries")["waiting"]
    assert (desk.study().state, sent) == ("quiet", 2)
    with desk.journal.transaction() as connection:  # as for the same image in another transfer syntax
        connection.execute("UPDATE studies SET state = 'open'")
    desk.render(desk.reports.claim_settled(desk.reports.candidates()))
    assert (desk.study().state, desk.study().version) == ("quiet", 2)
    assert desk.journal.counts("deliveries")["waiting"] == sent
    desk.journal.close()
