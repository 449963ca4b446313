"""A reader gives back what it has freed, and keeps no job waiting for that."""

import socket
import threading
import time
from pathlib import Path

import pytest

from leapfrog.packages.signature import SignaturePolicy
from leapfrog.processes import heap
from leapfrog.processes.channel import LineChannel
from leapfrog.processes.messages import READER_MESSAGE, ReaderSetup, ReportResult
from leapfrog.reader.reader import Reader
from support.processes import eventually
from support.readings import chest_reading, report_job

SETUP = ReaderSetup(
    model_directories=(),
    signature_policy=SignaturePolicy(),
    local_thresholds=(),
    frames_per_cine=1,
    sweep_seconds=1.0,
    sweep_until_seconds=1.0,
    memory_limit_bytes=1 << 31,
)


def test_it_gives_back_what_jobs_left_once_no_more_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_back = list[bool]()
    monkeypatch.setattr(heap, "give_back", lambda: given_back.append(True))
    job = report_job(tmp_path, chest_reading(tmp_path), pdf=False).model_dump_json()
    ours, its = socket.socketpair()
    lane = LineChannel(ours)
    serving = threading.Thread(target=Reader(LineChannel(its), SETUP, modules=()).serve, daemon=True)
    serving.start()
    for _ in range(2):
        lane.send(job)
        while not isinstance(READER_MESSAGE.validate_json(lane.receive(timeout_seconds=30) or b""), ReportResult):
            continue
        time.sleep(0.2)  # a lane that has more to do sends it sooner
        assert not given_back
    assert eventually(lambda: bool(given_back))
    time.sleep(0.1)
    lane.close()
    serving.join()
    assert len(given_back) == 1, "once, when no more came, and not again and again while it waits"
