"""The benchmarks run: nothing else here would notice that they name a process or a file which has moved."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.receivers import BareReceiver
from support.dcmtk import store
from support.exams import ultrasound, write_instances

TESTS = Path(__file__).parent.parent
GROUPS = {
    "bare": {"The bare disk", "The bare parts of a report, in one process"},
    "beside": {"A film's report while a large exam closes, beside that of a film alone"},
    "footprint": {"Memory", "Start"},
    "growth": {"Growth"},
    "latency": {"From the C-STORE response to report.json", "The bare parts of a report, in one process"},
    "rest": {"At rest"},
    "throughput": {"Through the whole box, from the first byte to the last report"},
}


@pytest.mark.parametrize("part", GROUPS)
def test_runs(part: str, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.json"
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    # In its own directory: below tmp_path a socket's name would be too long.
    options = ["--only", part, "--dose", "0.01", "--rounds", "1", "--json", str(numbers)]

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    # 1: an aim was missed, which a busy machine may do. A benchmark that broke wrote no numbers.
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    assert numbers.is_file(), ended.stdout + ended.stderr
    measured = json.loads(numbers.read_text())["measurements"]
    assert {one["group"] for one in measured} == GROUPS[part]


def test_the_receiver_that_only_stores_has_every_byte_of_what_it_acknowledges(tmp_path: Path) -> None:
    images = write_instances(ultrasound(64, 48), tmp_path / "images", 3)

    with BareReceiver(tmp_path / "server") as receiver:
        outcome = store(receiver.port, [image.path for image in images])

    assert outcome.statuses == ["Success"] * 3, outcome.text
    stored = {file.read_bytes() for file in (tmp_path / "server" / "stored").iterdir()}
    assert len(stored) == 3
    sent = [image.path.read_bytes() for image in images]
    assert all(any(content.endswith(data_set) for content in sent) for data_set in stored)
