"""How long a job may take: a large report longer than an image, as long as it goes on."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.lanes import lane as lane_module
from leapfrog.lanes.job_end import DeadlineMissed, ReaderDied
from leapfrog.lanes.lane import Lane
from leapfrog.lanes.time_limits import IMAGES_A_DEADLINE, IMAGES_A_SILENCE, limits_of
from leapfrog.processes.messages import ReportJob, Station
from leapfrog.settings import EngineSettings, ModelSettings
from support.journal_rows import reading_of

DEADLINE_SECONDS = 1.0
# A reader that is ready and then says for a while that it goes on with the report.
GOES_ON = """
    import socket, sys, time
    connection = socket.socket(fileno=int(sys.argv[sys.argv.index("--fd") + 1]))
    connection.sendall(b'{"kind": "ready"}\\n')
    connection.recv(1)
    for _ in range(%d):
        connection.sendall(b'{"kind": "stage", "stage": "rendering"}\\n')
        time.sleep(0.1)
    %s
"""
HANGS = "time.sleep(60)"


def report_of(images: int, folder: Path = Path()) -> ReportJob:
    return ReportJob(
        study_key="study",
        version=1,
        received_at="2026-11-05T10:00:00+00:00",
        station=Station(name="Clinic", ae_title="LEAPFROG", software_version="0"),
        readings=tuple(reading_of(f"{number:016}") for number in range(images)),
        pdf=False,
        picture_dir=folder,
        report_dir=folder,
        work_dir=folder,
    )


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    made = Lane(EngineSettings(deadline_seconds=DEADLINE_SECONDS), ModelSettings(paths=()), tmp_path, tmp_path)
    yield made
    made.close()


def played_by(monkeypatch: pytest.MonkeyPatch, folder: Path, notes: int, then: str) -> None:
    program = folder / "reader.py"
    program.write_text(textwrap.dedent(GOES_ON) % (notes, then))
    monkeypatch.setattr(lane_module, "our_program", lambda _, *options: [sys.executable, str(program), *options])


def test_a_report_of_few_images_has_the_deadline_of_one() -> None:
    limits = limits_of(report_of(IMAGES_A_DEADLINE), 60.0)
    assert (limits.whole_seconds, limits.silent_seconds) == (60.0, 60.0)


def test_a_large_report_has_more_time_and_less_of_it_in_silence() -> None:
    limits = limits_of(report_of(IMAGES_A_SILENCE), 60.0)
    assert (limits.whole_seconds, limits.silent_seconds) == (60.0 * IMAGES_A_SILENCE / IMAGES_A_DEADLINE, 60.0)


def test_a_large_report_that_goes_on_may_take_longer_than_a_deadline(
    lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played_by(monkeypatch, tmp_path, notes=20, then="sys.exit(0)")
    assert isinstance(lane.run(report_of(10 * IMAGES_A_DEADLINE, tmp_path)), ReaderDied), "it ends by itself"


def test_a_large_report_over_which_its_reader_hangs_does_not_have_all_that_time(
    lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played_by(monkeypatch, tmp_path, notes=1, then=HANGS)
    monkeypatch.setattr("leapfrog.lanes.time_limits.IMAGES_A_DEADLINE", 1)
    assert lane.run(report_of(IMAGES_A_SILENCE, tmp_path)) == DeadlineMissed(charged_to="reader")
