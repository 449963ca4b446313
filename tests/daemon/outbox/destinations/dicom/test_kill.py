"""kill -9 of the box, again and again, between C-STORE, the question and the promise: nothing is lost, and the archive
holds each image once.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.courier_box import courier_box
from support.orthanc import Orthanc, orthanc_program
from support.owed import open_state
from support.ports import free_port
from support.waiting import wait_until

PROGRAM = Path(__file__).with_name("archive_process.py")
TESTS = Path(__file__).parents[4]
IMAGES, KILLS = 8, 2


@contextmanager
def sending(state_dir: Path, port: int, archive_port: int, rate: int = 0) -> Iterator[int]:
    """A box of its own process, killed at the end."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", "")))}
    numbers = (str(port), str(archive_port))
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(state_dir), *numbers, "DISTRICT", str(rate)], env=environment
    )
    try:
        yield process.pid
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def states(state_dir: Path) -> Counter[str]:
    journal, _ = open_state(state_dir)
    found = Counter(row["state"] for row in journal.rows("SELECT state FROM deliveries"))
    journal.close()
    return found


def handed_over(state_dir: Path) -> int:
    journal, _ = open_state(state_dir)
    found = journal.count("handed_over")
    journal.close()
    return found


def callers_of(pid: int) -> list[int]:
    """The process ids of the programs that call archives for the process `pid`."""
    children = [
        int(found) for task in Path(f"/proc/{pid}/task").iterdir() for found in (task / "children").read_text().split()
    ]
    return [child for child in children if "leapfrog.dimse.store" in Path(f"/proc/{child}/cmdline").read_text()]


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
def test_after_kills_everything_is_promised_and_the_archive_holds_each_once(tmp_path: Path) -> None:
    with courier_box(tmp_path / "state") as box:
        uids = [box.owe(40_000).sop_instance_uid for _ in range(IMAGES)]
    state_dir, port = tmp_path / "state", free_port()
    random.seed(11)
    with Orthanc(tmp_path / "orthanc") as orthanc:
        orthanc.know("box", "LEAPFROG", port)
        for _ in range(KILLS):
            with sending(state_dir, port, orthanc.dicom_port, rate=150_000):
                wait_until(lambda: handed_over(state_dir) > 0, "something was stored that was not promised")
                time.sleep(random.uniform(0.0, 0.3))
        with sending(state_dir, port, orthanc.dicom_port):
            wait_until(
                lambda: states(state_dir) == {"confirmed": IMAGES}, "everything is promised", deadline_seconds=90.0
            )
        assert orthanc.held() == Counter(uids)


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
def test_the_program_that_calls_archives_ends_with_the_box(tmp_path: Path) -> None:
    with courier_box(tmp_path / "state") as box:
        box.owe(3_000_000)
    found: set[int] = set()

    def runs() -> bool:
        found.update(callers_of(pid))
        return bool(found)

    with (
        Orthanc(tmp_path / "orthanc") as orthanc,
        sending(tmp_path / "state", free_port(), orthanc.dicom_port, rate=50_000) as pid,
    ):
        wait_until(runs, "the program runs")
    wait_until(lambda: not any(Path(f"/proc/{one}").exists() for one in found), "it has ended")
