"""Whatever the disk of the reports does: the box receives, reads and sends, sets no good film aside, stops when it is
told to, and publishes by itself when the disk is back.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from leapfrog.worklist.reports_disk import PROGRAM
from support import dcmtk
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.reports_disks import needs_bindfs, needs_mounts, share, small_disk
from support.waiting import wait_until

pytestmark = needs_mounts

PATIENCE_SECONDS = 120.0  # the machine may be busy
STOP_SECONDS = 25.0  # with a dead share it takes 4 s where the machine has nothing else to do


@dataclass(frozen=True)
class Fault:
    """Something that happens to a disk, and ends; what the log says of it."""

    begin: Callable[[], object]
    end: Callable[[], object]
    said: str


@contextmanager
def full(folder: Path) -> Iterator[Fault]:
    with small_disk(folder) as disk:
        yield Fault(disk.fill, disk.make_room, "is full")


@contextmanager
def read_only(folder: Path) -> Iterator[Fault]:
    with small_disk(folder) as disk:
        yield Fault(lambda: disk.read_only(True), lambda: disk.read_only(False), "is read-only")


@contextmanager
def missing(folder: Path) -> Iterator[Fault]:
    with small_disk(folder) as disk:
        yield Fault(disk.unmount, disk.mount, "is not mounted")


@contextmanager
def hanging(folder: Path) -> Iterator[Fault]:
    with share(folder, folder.with_name("behind")) as server:
        yield Fault(server.hang, server.go_on, "does not answer")


@contextmanager
def replaced_by_a_file(folder: Path) -> Iterator[Fault]:
    def begin() -> None:
        folder.rename(folder.with_name("moved"))
        folder.write_text("in the way")

    folder.mkdir()
    yield Fault(begin, folder.unlink, "is not a folder")


MakeFault = Callable[[Path], AbstractContextManager[Fault]]
FAULTS = [full, read_only, missing, replaced_by_a_file, pytest.param(hanging, marks=needs_bindfs)]


def films(directory: Path, count: int) -> list[Path]:
    return [made.path for made in write_instances(chest_radiograph(300, 260), directory, count, studies=count)]


def kiosk_with_reports_on(folder: Path, directory: Path, url: str = "") -> Kiosk:
    return Kiosk(directory, station={"reports_dir": str(folder)}, district={"url": url})


def wait_until_reported(kiosk: Kiosk, count: int) -> None:
    """Wait until so many studies have their closing report, published or not."""
    wait_until(
        lambda: kiosk.rows("SELECT COUNT(*) FROM studies WHERE state = 'quiet' AND version > 0") == [(count,)],
        f"{count} studies are reported",
        deadline_seconds=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize("make_fault", FAULTS)
def test_everything_goes_on_without_the_disk_and_the_reports_come_when_it_is_back(
    make_fault: MakeFault, tmp_path: Path
) -> None:
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    folder = tmp_path / "disk"
    first, *others = films(tmp_path / "films", 4)
    with make_fault(folder) as fault, Orthanc(tmp_path / "orthanc") as district:
        kiosk = kiosk_with_reports_on(folder, tmp_path / "kiosk", district.dicomweb_url)
        with kiosk:
            assert dcmtk.store(kiosk.port, [first]).acknowledged == [first]
            kiosk.wait_until_quiet(deadline_seconds=PATIENCE_SECONDS)
            daemon = kiosk.process.pid

            fault.begin()
            assert dcmtk.store(kiosk.port, others).acknowledged == others
            wait_until_reported(kiosk, 4)
            wait_until(lambda: fault.said in kiosk.log(), "the log names it", deadline_seconds=PATIENCE_SECONDS)
            wait_until(
                lambda: kiosk.status()["deliveries"]["waiting"] == 0, "all is sent", deadline_seconds=PATIENCE_SECONDS
            )
            assert kiosk.status()["instances"] == {"received": 0, "read": 4, "set_aside": 0, "forward_only": 0}
            assert kiosk.rows("SELECT DISTINCT attempts, interruptions FROM instances") == [(0, 0)]
            assert kiosk.rows("SELECT COUNT(*) FROM studies WHERE published_version < version") == [(3,)]

            fault.end()
            kiosk.wait_until_quiet(deadline_seconds=PATIENCE_SECONDS)
            assert len(kiosk.reports()) == 4
            assert kiosk.process.pid == daemon
            assert kiosk.process.poll() is None
            held = district.held()
            assert set(held.values()) == {1}, "nothing is sent twice"
            assert kiosk.stop() == 0
    assert "Traceback" not in kiosk.log()


@pytest.mark.parametrize("make_fault", [missing, pytest.param(hanging, marks=needs_bindfs)])
def test_the_box_starts_and_stops_without_the_disk(make_fault: MakeFault, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    first, second = films(tmp_path / "films", 2)
    with make_fault(folder) as fault:
        kiosk = kiosk_with_reports_on(folder, tmp_path / "kiosk")
        with kiosk:
            dcmtk.store(kiosk.port, [first])
            kiosk.wait_until_quiet(deadline_seconds=PATIENCE_SECONDS)
            fault.begin()
            dcmtk.store(kiosk.port, [second])
            wait_until_reported(kiosk, 2)
            wait_until(lambda: fault.said in kiosk.log(), "the log names it", deadline_seconds=PATIENCE_SECONDS)
            began = time.monotonic()
            assert kiosk.stop() == 0
            assert time.monotonic() - began < STOP_SECONDS

            kiosk.start()
            assert kiosk.accepts_connections()
            assert kiosk.stop() == 0
            kiosk.start()
            fault.end()
            kiosk.wait_until_quiet(deadline_seconds=PATIENCE_SECONDS)
            assert len(kiosk.reports()) == 2


def test_kills_between_commit_and_publication_lose_no_report(tmp_path: Path) -> None:
    """A kill of the box is what a power cut is to it; here it comes while every report waits for its disk."""
    folder = tmp_path / "disk"
    sent = films(tmp_path / "films", 2)
    with small_disk(folder) as disk:
        kiosk = kiosk_with_reports_on(folder, tmp_path / "kiosk")
        with kiosk:
            for number, film in enumerate(sent, start=1):
                dcmtk.store(kiosk.port, [film])
                kiosk.wait_until_read(number)
                disk.read_only(True)
                wait_until_reported(kiosk, number)
                kiosk.kill()
                disk.read_only(False)
                kiosk.start()
            kiosk.wait_until_quiet(deadline_seconds=PATIENCE_SECONDS)
            assert len(kiosk.reports()) == 2
            assert all((page.parent / "report.pdf").stat().st_size for page in folder.glob("*/*/report.json"))


def test_kills_of_the_publishing_program_lose_no_report(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    sent = films(tmp_path / "films", 8)
    with small_disk(folder, "32m"), kiosk_with_reports_on(folder, tmp_path / "kiosk") as kiosk:
        dcmtk.store(kiosk.port, sent)
        killed = 0
        while killed < 5:
            for pid in kiosk.children(PROGRAM):
                os.kill(pid, signal.SIGKILL)
                killed += 1
            time.sleep(0.3)
        kiosk.wait_until_quiet(deadline_seconds=PATIENCE_SECONDS)
        assert len(kiosk.reports()) == 8
        assert kiosk.process.poll() is None
