"""A deadline holds whatever the reader says: one that was taken over may announce stages for ever."""

import sys
import textwrap
import time
from pathlib import Path

import pytest

from leapfrog.lanes import lane as lane_module
from leapfrog.lanes.job_end import DeadlineMissed
from leapfrog.lanes.lane import Lane
from leapfrog.processes.messages import ReportJob, Station
from leapfrog.settings import EngineSettings, ModelSettings

DEADLINE_SECONDS = 1.0
FLOOD_SECONDS = 20.0  # then it ends by itself, so that a lane without a deadline fails this test and does not hang it
# A reader that is ready, and answers a job with one stage after the other, faster than the lane can read them.
TALKATIVE = """
    import socket, sys, time
    connection = socket.socket(fileno=int(sys.argv[sys.argv.index("--fd") + 1]))
    connection.sendall(b'{"kind": "ready"}\\n')
    connection.recv(1)
    until = time.monotonic() + %f
    while time.monotonic() < until:
        connection.sendall(b'{"kind": "stage", "stage": "%s"}\\n' * 5000)
"""


@pytest.mark.parametrize("stage", ["rendering", "inferring"])
def test_a_reader_that_announces_stages_for_ever_misses_its_deadline(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "reader.py"
    program.write_text(textwrap.dedent(TALKATIVE) % (FLOOD_SECONDS, stage))
    monkeypatch.setattr(lane_module, "our_program", lambda _, *options: [sys.executable, str(program), *options])
    lane = Lane(EngineSettings(deadline_seconds=DEADLINE_SECONDS), ModelSettings(paths=()), tmp_path, tmp_path)
    job = ReportJob(
        study_key="study",
        version=1,
        received_at="2026-11-05T10:00:00+00:00",
        station=Station(name="Clinic", ae_title="LEAPFROG", software_version="0"),
        readings=(),
        pdf=False,
        picture_dir=tmp_path,
        report_dir=tmp_path,
        work_dir=tmp_path,
    )
    begun = time.monotonic()
    try:
        assert lane.run(job) == DeadlineMissed(charged_to="reader")
        assert time.monotonic() - begun < FLOOD_SECONDS / 2
    finally:
        lane.close()
