"""Thresholds of this place hold for the very package, as long as their signature does."""

import os
import shutil
from pathlib import Path

import pytest

from leapfrog.errors import StorageError
from leapfrog.packages.catalogue import Catalogue, find_packages
from leapfrog.packages.local_threshold import LocalThreshold
from leapfrog.packages.local_thresholds import with_local_thresholds
from leapfrog.packages.package import ANY_SIGNATURE
from leapfrog.state.station.local_thresholds import (
    ThresholdsAtStart,
    has_thresholds,
    keep_thresholds,
    kept_thresholds,
    local_thresholds,
    signed_thresholds,
)
from leapfrog.state.station.station_key import station_key
from support.signed_packages import write_version

FILE = "station/thresholds/tiny-chest.json"


class Place:
    """A box with the tiny classifier, of which a threshold was set."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        self.state.mkdir()
        self.packages = directory / "packages"
        write_version(self.packages / "first", "1.2.3")
        package = self.catalogue().packages[0]
        self.setting = LocalThreshold(
            package=package.name,
            version=package.version,
            package_sha256=package.digest,
            finding="Bright",
            threshold=0.75,
            package_threshold=0.6,
            set_by="Dr Amina Okello",
            set_at="2026-11-29T10:00:00+00:00",
            measured_at="2026-11-28T10:00:00+00:00",
            images=240,
            positives=120,
            negatives=120,
            found=110,
            alarms=12,
            run_sha256="0" * 64,
        )
        keep_thresholds(self.state, package.name, [self.setting])

    def catalogue(self) -> Catalogue:
        return find_packages((self.packages,), ANY_SIGNATURE)

    def threshold(self) -> float:
        """Of "Bright", as a reader applies it."""
        in_use = local_thresholds(self.state, self.catalogue).in_use
        return with_local_thresholds(self.catalogue(), in_use).packages[0].manifest.finding[0].threshold

    def problem(self) -> str:
        (problem,) = local_thresholds(self.state, self.catalogue).problems
        return problem.text


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_it_is_in_use_until_it_is_undone(place: Place) -> None:
    assert place.threshold() == 0.75
    assert (place.state / FILE).stat().st_mode & 0o777 == 0o640
    keep_thresholds(place.state, "tiny-chest", ())
    assert place.threshold() == 0.6
    assert local_thresholds(place.state, place.catalogue).problems == ()


def test_an_altered_file_counts_for_nothing(place: Place) -> None:
    file = place.state / FILE
    file.write_bytes(file.read_bytes().replace(b"0.75", b"0.99"))
    assert place.threshold() == 0.6
    assert "was altered" in place.problem() and "--undo" in place.problem()
    with pytest.raises(StorageError, match="was altered"):
        kept_thresholds(place.state, "tiny-chest")


def test_another_boxes_file_counts_for_nothing(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    keep_thresholds(other, "tiny-chest", [place.setting])
    (place.state / FILE).write_bytes((other / FILE).read_bytes())
    assert place.threshold() == 0.6
    assert "signed by another box" in place.problem()


def test_the_file_of_another_package_counts_for_nothing(place: Place) -> None:
    (place.state / FILE).rename(place.state / FILE.replace("tiny-chest", "other"))
    assert signed_thresholds(place.state) == ()
    assert "is of another package" in place.problem()


def test_those_that_are_signed_are_found_without_a_look_at_the_packages(place: Place) -> None:
    shutil.rmtree(place.packages)
    assert signed_thresholds(place.state) == (place.setting,)
    assert local_thresholds(place.state, place.catalogue).in_use == ()
    assert "there is no package tiny-chest any more" in place.problem()
    file = place.state / FILE
    file.write_bytes(file.read_bytes().replace(b"0.75", b"0.99"))
    assert signed_thresholds(place.state) == ()


def test_a_new_version_of_the_package_voids_it(place: Place) -> None:
    write_version(place.packages / "second", "2.0.0")
    assert place.threshold() == 0.6
    assert "tiny-chest 2.0.0 is in use now" in place.problem()


def test_the_same_version_with_other_content_voids_it(place: Place) -> None:
    manifest = place.packages / "first/model.toml"
    manifest.write_text(manifest.read_text().replace("Tests only.", "Tests, too."))
    assert place.threshold() == 0.6
    assert "with other content" in place.problem()


def test_a_running_daemon_notices_changes(place: Place) -> None:
    watched = ThresholdsAtStart(place.state, place.catalogue)
    assert watched.problems() == ()
    file = place.state / FILE
    file.write_bytes(file.read_bytes().replace(b"0.75", b"0.99"))
    os.utime(file, ns=(0, 0))
    assert ["was altered" in one.what or "were changed after" in one.what for one in watched.problems()] == [True, True]
    file.unlink()
    (changed,) = watched.problems()
    assert "were changed after Leapfrog started" in changed.what and "restart" in changed.remedy


def test_a_folder_that_cannot_be_listed_is_a_problem_and_no_failure(place: Place) -> None:
    watched = ThresholdsAtStart(place.state, place.catalogue)
    folder = (place.state / FILE).parent
    shutil.rmtree(folder)
    folder.write_text("")  # which root cannot list either
    assert signed_thresholds(place.state) == ()
    assert f"{folder} cannot be listed" in place.problem()
    (problem,) = watched.problems()
    assert f"{folder} cannot be listed" in problem.text and "from a backup" in problem.text
    assert "cannot be listed" in ThresholdsAtStart(place.state, place.catalogue).problems()[0].what
    with pytest.raises(StorageError, match="cannot be listed"):
        has_thresholds(place.state, "tiny-chest")


def test_a_station_key_that_is_missing_or_new_is_named_and_not_the_file(place: Place) -> None:
    key = place.state / "station/key.pem"
    key.unlink()
    assert f"the station key {key} is missing" in place.problem() and "from a backup" in place.problem()
    station_key(place.state)
    assert f"the station key {key} is new" in place.problem() and "altered" not in place.problem()


def test_a_running_daemon_notices_what_becomes_of_the_station_key(place: Place, tmp_path: Path) -> None:
    watched = ThresholdsAtStart(place.state, place.catalogue)
    assert watched.problems() == ()
    key, backup = place.state / "station/key.pem", tmp_path / "key.pem"
    shutil.copy2(key, backup)
    key.unlink()
    assert "is missing" in watched.problems()[0].what
    station_key(place.state)
    assert "is new" in watched.problems()[0].what
    shutil.copy2(backup, key)
    assert watched.problems() == ()
