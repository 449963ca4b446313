"""The wall clock of a running box is set by years."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.process_clock import ProcessClock
from support.waiting import wait_until

TEN_YEARS = timedelta(days=3653)
NOTICED_SECONDS = 5.0  # the box looks once a second; a machine that runs other tests meanwhile is slow


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Orthanc]:
    """A district server."""
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path / "orthanc") as server:
        yield server


@pytest.fixture
def clock(tmp_path: Path) -> ProcessClock:
    """The clock of the box."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: it builds the clock that is set")
    return ProcessClock(tmp_path)


def test_a_set_clock_opens_and_closes_the_sync_window_at_once_and_what_waits_is_not_forgotten(
    tmp_path: Path, district: Orthanc, clock: ProcessClock
) -> None:
    images = [image.path for image in write_instances(chest_radiograph(), tmp_path / "exam", 2)]
    opening = datetime.now(UTC) + timedelta(hours=6)
    window = f"{opening:%H:%M}-{opening + timedelta(hours=1):%H:%M}"
    originals = {"url": district.dicomweb_url, "windows": [window], "send": ["original"]}
    kiosk = Kiosk(tmp_path / "kiosk", district=originals)

    def has(**counts: int) -> bool:
        return bool(kiosk.status()["deliveries"].items() >= counts.items())

    def link() -> str:
        return str(kiosk.status()["outbox"]["link"])

    kiosk.start(environment=clock.environment)
    try:
        shutil.copy(images[0], kiosk.inbox)
        wait_until(lambda: has(waiting=1), "the first is owed")
        assert link() == "window closed"
        for years, confirmed in ((TEN_YEARS, 1), (-TEN_YEARS, 2)):
            clock.set(years + timedelta(hours=6, minutes=30))
            begun = time.monotonic()
            wait_until(lambda: has(confirmed=confirmed, waiting=0), "it is sent")  # noqa: B023 - awaited here
            assert time.monotonic() - begun < NOTICED_SECONDS
            clock.set(years)
            assert link() == "window closed"
            if confirmed == 1:
                shutil.copy(images[1], kiosk.inbox)
                wait_until(lambda: has(confirmed=1, waiting=1), "the second is owed and waits")
    finally:
        assert kiosk.stop() == 0
