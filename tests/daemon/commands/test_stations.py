"""The stations that are known here: whose signature one is must never be left open."""

import os
from pathlib import Path

import pytest

from leapfrog.commands.stations import known_stations
from leapfrog.errors import UsageError
from leapfrog.state.station.station_key import StationKey, station_key


@pytest.fixture
def kitgum(tmp_path: Path) -> StationKey:
    return station_key(tmp_path / "kitgum")


@pytest.fixture
def stations(tmp_path: Path, kitgum: StationKey) -> Path:
    folder = tmp_path / "stations"
    folder.mkdir()
    (folder / "Kitgum.pem").write_text(kitgum.public_pem)
    return folder


def test_a_station_is_known_by_the_name_of_its_file_and_a_box_knows_itself(
    kitgum: StationKey, stations: Path, tmp_path: Path
) -> None:
    gulu = station_key(tmp_path / "gulu")
    at_the_box = known_stations(tmp_path / "gulu", stations)
    assert (at_the_box.name(kitgum.id), at_the_box.name(gulu.id)) == ("Kitgum", "this box")
    at_the_district = known_stations(None, stations)
    assert at_the_district.keys == {kitgum.id: kitgum.public_key}
    assert at_the_district.name(gulu.id) == ""


@pytest.mark.parametrize(
    ("name", "of_gulu", "said"),
    [
        ("KITGUM.PEM", True, "have the same name"),
        ("Kitgum\u200b.pem", True, "have the same name"),
        ("Gulu.pem", False, "have the same key"),
        ("This  Box.pem", True, "only the box in front of you"),
        ("Gulu.pub", True, r"does not end in \.pem"),
    ],
)
def test_who_signed_is_never_left_open(
    kitgum: StationKey, stations: Path, tmp_path: Path, name: str, of_gulu: bool, said: str
) -> None:
    key = station_key(tmp_path / "gulu") if of_gulu else kitgum
    (stations / name).write_text(key.public_pem)
    with pytest.raises(UsageError, match=said):
        known_stations(None, stations)


def test_a_key_file_that_is_none_is_named(stations: Path) -> None:
    (stations / "Moyo.pem").write_text("nothing")
    with pytest.raises(UsageError, match=r"Moyo\.pem is not the public key of a station"):
        known_stations(None, stations)


@pytest.mark.timeout(20)
def test_one_that_has_no_end_is_not_read(stations: Path) -> None:
    os.mkfifo(stations / "Moyo.pem")
    with pytest.raises(UsageError, match=r"Moyo\.pem is not the public key"):
        known_stations(None, stations)
