"""What a reader is started with."""

from pathlib import Path

import pytest

from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.packages import catalogue
from leapfrog.packages.local_threshold import LocalThreshold
from leapfrog.settings import EngineSettings, ModelSettings
from leapfrog.state.station.local_thresholds import keep_thresholds
from support.signed_packages import write_version


def test_thresholds_of_this_place_are_given_on_without_reading_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version(tmp_path / "packages/tiny", "1.2.3")
    threshold = LocalThreshold(
        package="tiny-chest", version="1.2.3", package_sha256="0" * 64, finding="Bright", threshold=0.75,
        package_threshold=0.6, set_by="Dr Amina Okello", set_at="2026-11-29T10:00:00+00:00",
        measured_at="2026-11-28T10:00:00+00:00", images=240, positives=120, negatives=120, found=110, alarms=12,
        run_sha256="0" * 64,
    )  # fmt: skip
    keep_thresholds(tmp_path / "state", "tiny-chest", [threshold])
    opened: list[Path] = []

    def noted(folder: Path, *_: object) -> None:
        opened.append(folder)

    monkeypatch.setattr(catalogue, "load_package", noted)
    setup = reader_setup(EngineSettings(), ModelSettings(paths=(tmp_path / "packages",)), tmp_path / "state")
    assert setup.local_thresholds == (threshold,)
    assert opened == []
