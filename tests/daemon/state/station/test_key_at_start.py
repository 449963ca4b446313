"""A start makes the station's key once, and never in the place of one that was lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.commands.doctor.station import station_key_checks
from leapfrog.errors import StorageError
from leapfrog.signed_summary.signing import key_id
from leapfrog.state.journal import Journal
from leapfrog.state.station.key_at_start import KeyAtStart, key_was_asked_for, require_no_key, require_not_lost
from leapfrog.state.station.station_key import public_keys, station_key, station_key_file


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def test_the_first_start_makes_it_and_the_next_uses_it(tmp_path: Path, journal: Journal) -> None:
    first, second = KeyAtStart(tmp_path, journal), KeyAtStart(tmp_path, journal)
    assert first.key is not None and second.key is not None
    assert first.key.public_key == second.key.public_key
    assert first.problems() == second.problems() == ()
    assert public_keys(tmp_path) == (first.key.public_key,)


@pytest.mark.parametrize("left", ["public.pem", "thresholds", "journal"])
def test_a_key_that_was_lost_is_not_replaced_and_everybody_is_told(left: str, tmp_path: Path, journal: Journal) -> None:
    KeyAtStart(tmp_path, journal)
    folder = tmp_path / "station"
    if left != "public.pem":
        shutil.rmtree(folder)
    if left == "thresholds":
        journal.change("DELETE FROM facts")
        (folder / "thresholds").mkdir(parents=True)
        (folder / "thresholds/tiny.json").write_text("")
    station_key_file(tmp_path).unlink(missing_ok=True)
    at_start = KeyAtStart(tmp_path, journal)
    assert at_start.key is None
    (problem,) = at_start.problems()
    assert "key.pem is missing, and there was one: sheets have no code" in problem.what
    assert "from a backup" in problem.remedy and "leapfrog station key --new" in problem.remedy
    assert not station_key_file(tmp_path).exists()


def test_a_damaged_key_signs_nothing_and_the_box_runs(tmp_path: Path, journal: Journal) -> None:
    KeyAtStart(tmp_path, journal)
    station_key_file(tmp_path).write_text("nothing")
    at_start = KeyAtStart(tmp_path, journal)
    assert at_start.key is None
    assert "is damaged" in at_start.problems()[0].what


def test_a_key_of_an_older_version_gets_its_public_part_beside_it(tmp_path: Path, journal: Journal) -> None:
    key = station_key(tmp_path)
    (tmp_path / "station/public.pem").unlink()
    assert KeyAtStart(tmp_path, journal).problems() == ()
    assert public_keys(tmp_path) == (key.public_key,)


def test_a_key_that_others_can_read_is_told_by_the_box_and_by_doctor(tmp_path: Path, journal: Journal) -> None:
    at_start = KeyAtStart(tmp_path, journal)
    station_key_file(tmp_path).chmod(0o644)
    (problem,) = at_start.problems()
    assert "Others can read the station key" in problem.what and "chmod 600" in problem.remedy
    (check,) = station_key_checks(tmp_path)
    assert check.status == "problem" and "mode 644" in check.detail
    station_key_file(tmp_path).chmod(0o600)
    assert at_start.problems() == ()
    assert [check.status for check in station_key_checks(tmp_path)] == ["ok"]


@pytest.mark.parametrize("public_key_too", [False, True])
def test_a_key_in_the_place_of_another_is_told_until_somebody_asks_for_the_public_key(
    public_key_too: bool, tmp_path: Path, journal: Journal
) -> None:
    KeyAtStart(tmp_path, journal)
    station_key(tmp_path / "other")
    for name in ("key.pem", "public.pem") if public_key_too else ("key.pem",):
        shutil.copy(tmp_path / "other/station" / name, tmp_path / "station" / name)
    KeyAtStart(tmp_path, journal)
    (problem,) = KeyAtStart(tmp_path, journal).problems()
    assert "is another than before" in problem.what and "leapfrog station key" in problem.remedy
    assert any("another than before" in check.detail for check in station_key_checks(tmp_path))
    key_was_asked_for(tmp_path)
    assert KeyAtStart(tmp_path, journal).problems() == ()


def test_a_new_key_is_refused_while_there_is_one(tmp_path: Path) -> None:
    require_no_key(tmp_path)
    station_key(tmp_path)
    with pytest.raises(StorageError, match=r"has a key, so no other was made.*move .*key\.pem away"):
        require_no_key(tmp_path)


def test_a_new_key_is_a_persons_decision_and_the_old_one_stays_known(tmp_path: Path, journal: Journal) -> None:
    old = station_key(tmp_path)
    station_key_file(tmp_path).unlink()
    at_start = KeyAtStart(tmp_path, journal)
    with pytest.raises(StorageError, match="--new"):
        require_not_lost(tmp_path)
    new = station_key(tmp_path)
    require_not_lost(tmp_path)
    assert public_keys(tmp_path) == (new.public_key, old.public_key)
    assert (tmp_path / f"station/former/{key_id(old.public_key)}.pem").is_file()
    assert "is there again" in at_start.problems()[0].what and "Restart" in at_start.problems()[0].remedy
    after = KeyAtStart(tmp_path, journal)
    assert after.key is not None and after.key.public_key == new.public_key
    assert after.problems() == ()
