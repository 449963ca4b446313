"""A station key that was lost: every answer of the box says so, and no start replaces it."""

import json
from pathlib import Path

import pytest

from leapfrog.packages.catalogue import find_packages
from leapfrog.packages.local_threshold import LocalThreshold
from leapfrog.packages.package import ANY_SIGNATURE
from leapfrog.state.station.local_thresholds import keep_thresholds
from leapfrog.state.station.station_key import station_key, station_key_file
from support.kiosk import Kiosk
from support.signed_packages import write_version

pytestmark = pytest.mark.slow


@pytest.fixture
def box(tmp_path: Path) -> Kiosk:
    """A box with a threshold of its own."""
    write_version(tmp_path / "packages/tiny", "1.2.3")
    (package,) = find_packages((tmp_path / "packages",), ANY_SIGNATURE).packages
    threshold = LocalThreshold(
        package=package.name, version=package.version, package_sha256=package.digest, finding="Bright", threshold=0.75,
        package_threshold=0.6, set_by="Dr Amina Okello", set_at="2026-11-29T10:00:00+00:00",
        measured_at="2026-11-28T10:00:00+00:00", images=240, positives=120, negatives=120, found=110, alarms=12,
        run_sha256="0" * 64,
    )  # fmt: skip
    box = Kiosk(tmp_path / "box", models={"paths": [str(tmp_path / "packages")]})
    box.state_dir.mkdir()
    keep_thresholds(box.state_dir, package.name, [threshold])
    return box


def answers(box: Kiosk) -> list[str]:
    """What `status`, `doctor` and `models thresholds` say of the thresholds."""
    status = " ".join(problem["what"] for problem in box.status()["attention"])
    doctor = json.loads(box.command("doctor", "--json").stdout)
    thresholds = box.command("models", "thresholds", "tiny-chest", "--json")
    assert thresholds.returncode == 1
    return [status, json.dumps(doctor), thresholds.stdout]


def test_every_answer_says_that_the_key_is_missing_and_then_that_it_is_new(box: Kiosk) -> None:
    key = station_key_file(box.state_dir)
    key.unlink()
    with box:
        box.wait_until_ready()
        assert not key.exists()
        assert [f"the station key {key} is missing" in said for said in answers(box)] == [True] * 3
        station_key(box.state_dir)
        assert [f"the station key {key} is new" in said for said in answers(box)] == [True] * 3


def test_the_first_start_makes_the_key_and_no_later_one_makes_another(tmp_path: Path) -> None:
    with Kiosk(tmp_path / "box") as box:
        box.wait_until_ready()
        made = station_key(box.state_dir).public_key
        box.stop()
        station_key_file(box.state_dir).unlink()
        box.start().wait_until_ready()
        assert not station_key_file(box.state_dir).exists()
        assert "sheets have no code" in " ".join(problem["what"] for problem in box.status()["attention"])
        asked = box.command("station", "key")
        assert (asked.returncode, asked.stdout) == (1, "")
        assert "leapfrog station key --new" in asked.stderr
        assert box.command("station", "key", "--new").returncode == 0
        assert station_key(box.state_dir).public_key != made
