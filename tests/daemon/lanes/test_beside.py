"""The side lane gives up a report that lacks something urgent, whenever that comes."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leapfrog.lanes.beside import Beside
from leapfrog.lanes.job_end import GivenUp
from leapfrog.lanes.lane import Lane
from leapfrog.processes.messages import ReportResult
from leapfrog.settings import EngineSettings, ModelSettings
from support.processes import child_with
from support.reading_box import holding_a_reader_of
from support.readings import chest_reading, report_job
from support.waiting import wait_until


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    made = Lane(EngineSettings(), ModelSettings(), tmp_path, tmp_path, beside=True)
    yield made
    made.close()


def test_a_report_that_is_about_to_be_made_is_given_up(lane: Lane, tmp_path: Path) -> None:
    beside, job = Beside(), report_job(tmp_path)
    with beside.making(job.study_key):
        beside.overtake(job.study_key)
        assert beside.run(lane, job) == GivenUp()
    with beside.making(job.study_key):
        assert isinstance(beside.run(lane, job), ReportResult), "the next one is not"


def test_a_report_whose_reader_starts_is_given_up_and_nothing_is_wrong(
    lane: Lane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beside, job = Beside(), report_job(tmp_path)
    with beside.making(job.study_key), ThreadPoolExecutor(1) as thread:
        end = thread.submit(beside.run, lane, job)
        wait_until(lambda: child_with("--beside"), "its reader starts")
        beside.overtake(job.study_key)
        assert end.result() == GivenUp()
    assert caplog.messages == []


def test_a_report_at_work_is_given_up_at_once_and_the_next_job_is_done(
    lane: Lane, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beside, job = Beside(), report_job(tmp_path, chest_reading(tmp_path))
    picture = tmp_path / "plain-1.jpg"
    picture.unlink()
    os.mkfifo(picture)  # whoever reads it waits
    with beside.making(job.study_key), ThreadPoolExecutor(1) as thread:
        end = thread.submit(beside.run, lane, job)
        with holding_a_reader_of(picture):
            beside.overtake("another")
            assert not end.done()
            beside.overtake(job.study_key)
            assert end.result() == GivenUp()
    picture.unlink()
    with beside.making(job.study_key):
        assert isinstance(beside.run(lane, job.model_copy()), ReportResult)
    assert caplog.messages == [], "nothing is wrong"
