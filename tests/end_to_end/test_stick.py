"""A stick goes from a box to its district and back: what one side writes, the other reads, and what is confirmed is at
the server.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.commands.receive.command import Places, receive
from leapfrog.commands.receive.received import Received
from leapfrog.district_key import district_key
from leapfrog.state.station.station_key import station_key
from leapfrog.stick.layout import Stick
from support.orthanc import Orthanc, orthanc_program
from support.owed import part10_bytes, secondary_capture
from support.stick_box import StickBox

pytestmark = pytest.mark.skipif(orthanc_program() is None, reason="Orthanc with its DICOMweb plug-in is not installed")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    running = Orthanc(tmp_path_factory.mktemp("orthanc")).start()
    yield running
    running.kill()


class Carried:
    """A box that owes three images and a result, its district, and a stick between them."""

    def __init__(self, directory: Path, orthanc: Orthanc) -> None:
        self.box = StickBox(directory / "box")
        self.orthanc = orthanc
        self.uids = [*self.box.owe(3), self.box.owe_result()]
        self.stick = self.box.stick()
        self.stations = directory / "stations"
        self.stations.mkdir()
        (self.stations / "kitui.pem").write_text(station_key(self.box.state_dir).public_pem)
        self.key_file = self.box.directory / "district" / "district.key"
        self.district = directory / "district"

    def receive(self, stick: Path | None = None, key_file: Path | None = None) -> Received:
        places = Places(key_file or self.key_file, self.stations, self.district / "receipts", self.district / "boxes")
        return receive(stick or self.stick, [self.orthanc.dicomweb_url], places, None)


@pytest.fixture
def carried(tmp_path: Path, orthanc: Orthanc) -> Carried:
    return Carried(tmp_path, orthanc)


def test_what_a_stick_carried_is_at_the_district_once_and_owed_no_more(carried: Carried) -> None:
    carried.box.export(carried.stick)
    carried.orthanc.add(carried.box.arrived(carried.stick).contents[carried.uids[0]])  # as by link, before
    received = carried.receive()
    assert (received.all_taken, received.boxes["kitui"].confirmed, received.boxes["kitui"].were_there) == (True, 4, 1)
    held = carried.orthanc.held()
    assert [held[uid] for uid in carried.uids] == [1, 1, 1, 1]
    assert not carried.box.bring_back(carried.stick).failed
    assert set(carried.box.states().values()) == {"confirmed"}
    assert Stick(carried.stick).parts() == []


def test_what_the_district_refuses_waits_at_the_box_with_the_reason_and_the_rest_is_confirmed(carried: Carried) -> None:
    """It holds another image under that identifier."""
    carried.orthanc.add(part10_bytes(secondary_capture(SOPInstanceUID=carried.uids[1])))
    carried.box.export(carried.stick)
    received = carried.receive()
    assert not received.all_taken
    carried.box.bring_back(carried.stick)
    states = carried.box.states()
    assert states.pop(carried.uids[1]) == "refused"
    assert set(states.values()) == {"confirmed"}
    query = "SELECT last_error FROM deliveries WHERE state = 'refused'"
    (row,) = carried.box.in_journal(lambda journal: journal.rows(query))
    assert "already held another image" in row["last_error"]


def test_a_stick_that_was_copied_is_received_twice_and_confirms_once(carried: Carried, tmp_path: Path) -> None:
    carried.box.export(carried.stick)
    shutil.copytree(carried.stick, tmp_path / "copy")
    assert carried.receive().all_taken
    assert carried.receive(tmp_path / "copy").all_taken
    held = carried.orthanc.held()
    assert [held[uid] for uid in carried.uids] == [1, 1, 1, 1]
    for stick in (carried.stick, tmp_path / "copy"):
        carried.box.bring_back(stick)
        assert set(carried.box.states().values()) == {"confirmed"}


def test_another_district_can_neither_read_the_stick_nor_confirm_anything(carried: Carried, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    district_key(other)
    carried.box.export(carried.stick)
    received = carried.receive(key_file=other)
    assert all("another district" in problem for problem in received.problems)
    carried.box.bring_back(carried.stick)
    assert set(carried.box.states().values()) == {"waiting"}
    assert carried.receive().all_taken


def test_a_receipt_that_was_lost_on_its_way_is_brought_by_other_means(carried: Carried) -> None:
    carried.box.export(carried.stick)
    assert carried.receive().all_taken
    shutil.rmtree(carried.stick)
    for file in (carried.district / "receipts" / "kitui").iterdir():
        assert not carried.box.bring_back(file).failed
    assert set(carried.box.states().values()) == {"confirmed"}
