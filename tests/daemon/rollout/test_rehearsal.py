"""With real lanes, exams of nobody are read and reported on as those of patients would be; nothing of it stays."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.errors import StorageError
from leapfrog.lanes.job_end import DiskRefused, EngineDied, JobEnd, ReaderDied
from leapfrog.lanes.lane import Lane
from leapfrog.processes.messages import ReadJob, ReportJob
from leapfrog.rollout.rehearsal import TRIES, Rehearsal
from leapfrog.settings import Settings
from support.bundles import BundlingDistrict
from support.waiting import wait_until

DISTRICT: dict[str, object] = {"url": "http://127.0.0.1:9/dicom-web"}
PRINTER: dict[str, object] = {"printer": "ipp://127.0.0.1:9/ipp/print"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    engine: dict[str, object] = {"device": "cpu", "threads": 1}
    return BundlingDistrict(tmp_path / "d").box(tmp_path / "state", engine=engine, district=DISTRICT, print=PRINTER)


@pytest.fixture
def lane(settings: Settings) -> Iterator[Lane]:
    desks = settings.state_dir / "desks"
    desks.mkdir()
    lane = Lane(settings.engine, settings.models, settings.state_dir, desks)
    yield lane
    lane.close()


def outcome(rehearsal: Rehearsal) -> str:
    """What it comes to."""
    wait_until(lambda: rehearsal.why_unwell() is not None, "the rehearsal is over", deadline_seconds=60)
    return rehearsal.why_unwell() or ""


def test_a_box_that_is_well_reads_and_reports_and_keeps_nothing(settings: Settings, lane: Lane) -> None:
    jobs = list[ReadJob | ReportJob]()

    def run(job: ReadJob | ReportJob) -> JobEnd:
        jobs.append(job)
        return lane.run(job)

    assert outcome(Rehearsal(settings, [run])) == ""
    reports = [job for job in jobs if isinstance(job, ReportJob)]
    assert [[reading.outcome for reading in job.readings] for job in reports] == [["findings"], ["findings"]]
    assert all(job.sheet and "report_pdf" in job.derived for job in reports)  # what this box makes of each exam
    assert not list((settings.state_dir / "bundles").iterdir())


def test_a_deadline_that_no_box_can_keep_is_found(settings: Settings, lane: Lane) -> None:
    lane.deadline_seconds = 0.001
    assert "could not be read" in outcome(Rehearsal(settings, [lane.run]))


def test_what_staff_would_wait_for_too_long_is_found(
    settings: Settings, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leapfrog.rollout.rehearsal.TRIES", 1)
    assert "0 are allowed" in outcome(Rehearsal(settings, [lane.run], longest_seconds=0.0))


def test_what_failed_as_often_as_an_image_may_is_no_accident(settings: Settings) -> None:
    ends: list[JobEnd] = [EngineDied("no such operator"), ReaderDied("by chance"), ReaderDied("by chance")]
    assert "no such operator" in outcome(Rehearsal(settings, [lambda _job: ends.pop()]))
    assert not ends


def test_a_full_disk_says_nothing_about_the_bundle(settings: Settings) -> None:
    ends: list[JobEnd] = [*[EngineDied("no such operator")] * TRIES, DiskRefused("No space left on device")]
    rehearsal = Rehearsal(settings, [lambda _job: ends.pop()])
    with pytest.raises(StorageError, match="No space left"):
        outcome(rehearsal)
    assert "no such operator" in outcome(rehearsal)  # tried once more, once there is room again


def test_the_box_stops_at_once_although_a_lane_works(settings: Settings) -> None:
    begun, end = threading.Event(), threading.Event()
    tries = list[ReadJob | ReportJob]()

    def run(job: ReadJob | ReportJob) -> JobEnd:
        tries.append(job)
        begun.set()
        end.wait(30)
        return ReaderDied("the lane is closed")

    rehearsal = Rehearsal(settings, [run])
    rehearsal.why_unwell()
    assert begun.wait(30)
    rehearsal.stop()
    end.set()
    wait_until(lambda: not (settings.state_dir / "bundles/.new-rehearsal").exists(), "it has ended")
    assert rehearsal.why_unwell() is None
    assert len(tries) == 1 < TRIES
