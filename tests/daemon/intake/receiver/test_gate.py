"""Places are scarce, and one address never gets all of them."""

import threading
import time
from dataclasses import dataclass

import pytest

from leapfrog.intake.receiver.disturbances import Disturbance, Disturbances
from leapfrog.intake.receiver.gate import (
    DISTURBING_SECONDS,
    IDLE_SECONDS,
    KNOWN_SECONDS,
    MORE_THAN_ITS_SHARE,
    TOO_MANY_ASSOCIATIONS,
    Gate,
)
from leapfrog.intake.receiver.refused_machines import RefusedMachines
from leapfrog.settings import DicomSettings, ModalitySettings

BUSY, IDLE = 0.0, IDLE_SECONDS + 1


@dataclass(eq=False)
class Place:
    """An association that wants a place."""

    address: str
    useless: float = BUSY
    slow: float = BUSY
    was_cut: bool = False

    def useless_seconds(self) -> float:
        return self.useless

    def slow_seconds(self) -> float:
        return max(self.useless, self.slow)

    def cut(self) -> None:
        self.was_cut = True


def gate(places: int) -> tuple[Gate, RefusedMachines, Disturbances]:
    settings = DicomSettings(max_associations=places)
    refused, disturbances = RefusedMachines(settings), Disturbances()
    return Gate(settings, refused, disturbances, wait_seconds=0.3), refused, disturbances


def entered(door: Gate, address: str, count: int, useless: float = BUSY) -> list[Place]:
    places = [Place(address, useless) for _ in range(count)]
    assert [door.enter(place, "CR") for place in places] == [None] * count
    return places


def test_twenty_modalities_get_in_at_once_as_the_settings_are_also_through_one_address() -> None:
    entered(gate(DicomSettings().max_associations)[0], "192.0.2.7", 20)


@pytest.mark.parametrize(("places", "share"), [(1, 1), (2, 1), (3, 2), (10, 8), (20, 16), (200, 160)])
def test_one_address_gets_its_share_and_others_the_rest(places: int, share: int) -> None:
    door, refused, disturbances = gate(places)
    entered(door, "192.0.2.66", share)
    assert door.enter(Place("192.0.2.66"), "X") == MORE_THAN_ITS_SHARE
    assert refused.problems() == ()
    (problem,) = disturbances.problems()
    assert problem.what == (
        "The machine at 192.0.2.66 disturbs the box: it wants more associations at once than one machine may have."
    )
    assert "several machines send through this one address (NAT), raise dicom.max_associations" in problem.remedy
    entered(door, "192.0.2.1", min(share, places - share))


def test_whoever_leaves_makes_room() -> None:
    door, _, _ = gate(1)
    (first,) = entered(door, "192.0.2.1", 1)
    assert door.enter(Place("192.0.2.2"), "CR") == TOO_MANY_ASSOCIATIONS
    door.leave(first)
    entered(door, "192.0.2.2", 1)
    assert door.associations() == 1


def test_when_all_places_are_taken_the_idlest_of_the_greediest_address_gives_way() -> None:
    door, _, _ = gate(10)
    greedy = entered(door, "192.0.2.66", 6, IDLE)
    modest = entered(door, "192.0.2.7", 4, IDLE + 1000)
    greedy[3].useless += 5
    (newcomer,) = entered(door, "192.0.2.1", 1)
    assert [place.was_cut for place in greedy] == [False, False, False, True, False, False]
    assert not any(place.was_cut for place in modest)
    assert door.associations() == 10
    door.leave(greedy[3])  # its thread ends only now
    assert door.associations() == 10
    door.leave(newcomer)
    assert door.associations() == 9


def test_nobody_who_brings_images_has_to_give_way() -> None:
    door, refused, _ = gate(2)
    places = [*entered(door, "192.0.2.1", 1), *entered(door, "192.0.2.2", 1)]
    assert door.enter(Place("192.0.2.3"), "CR") == TOO_MANY_ASSOCIATIONS
    assert not any(place.was_cut for place in places)
    assert len(refused.problems()) == 1


def test_a_machine_without_a_place_waits_for_one_for_a_moment() -> None:
    door, _, _ = gate(1)
    (first,) = entered(door, "192.0.2.1", 1)
    leaving = threading.Timer(0.1, door.leave, [first])
    leaving.start()
    entered(door, "192.0.2.2", 1)
    leaving.join()


def test_a_machine_that_disturbs_gives_way_at_once_and_takes_no_place_from_others() -> None:
    door, _, disturbances = gate(2)
    disturbances.note("192.0.2.66", Disturbance.USELESS)
    (idle,) = entered(door, "192.0.2.66", 1, DISTURBING_SECONDS + 1)
    (other,) = entered(door, "192.0.2.1", 1, DISTURBING_SECONDS + 1)
    entered(door, "192.0.2.2", 1)
    assert (idle.was_cut, other.was_cut) == (True, False)
    other.useless = IDLE
    assert door.enter(Place("192.0.2.66"), "X") == TOO_MANY_ASSOCIATIONS
    assert not other.was_cut


def test_a_machine_that_has_a_place_takes_others_only_from_whoever_has_more() -> None:
    door, _, _ = gate(4)
    entered(door, "192.0.2.1", 1)
    greedy = entered(door, "192.0.2.66", 3, IDLE)
    entered(door, "192.0.2.1", 1)
    assert sum(place.was_cut for place in greedy) == 1
    assert door.enter(Place("192.0.2.1"), "CR") == TOO_MANY_ASSOCIATIONS


def trickling(door: Gate, address: str, count: int) -> list[Place]:
    places = entered(door, address, count)
    for number, place in enumerate(places):
        place.slow = IDLE + number
    return places


def test_a_machine_without_a_place_takes_one_from_whoever_has_most_and_trickles() -> None:
    door, _, _ = gate(10)
    most, fewer = trickling(door, "192.0.2.66", 8), trickling(door, "192.0.2.67", 2)
    entered(door, "192.0.2.1", 1)
    assert [place.was_cut for place in most] == [False] * 7 + [True]
    assert door.enter(Place("192.0.2.1"), "CR") == TOO_MANY_ASSOCIATIONS, "what it has is enough"
    assert not any(place.was_cut for place in fewer)


def test_a_machine_that_has_waited_takes_the_slowest_of_several_however_fast() -> None:
    door, _, _ = gate(3)
    several = entered(door, "192.0.2.66", 2)
    (only,) = entered(door, "192.0.2.7", 1)
    several[0].slow = 1
    entered(door, "192.0.2.1", 1)
    assert [place.was_cut for place in (*several, only)] == [True, False, False]


def test_a_slow_machine_keeps_its_only_place_from_whoever_has_places_and_if_it_is_known_from_all() -> None:
    door, _, disturbances = gate(2)
    (slow,) = trickling(door, "192.0.2.7", 1)
    entered(door, "192.0.2.1", 1)
    assert door.enter(Place("192.0.2.1"), "CR") is not None
    door.image_stored("192.0.2.7")
    slow.slow += 1000
    assert door.enter(Place("192.0.2.2"), "CR") == TOO_MANY_ASSOCIATIONS
    assert not slow.was_cut
    disturbances.note("192.0.2.7", Disturbance.USELESS)
    entered(door, "192.0.2.2", 1)
    assert slow.was_cut


@pytest.mark.parametrize("is_named", [True, False])
def test_in_a_flood_from_many_addresses_strangers_give_way_before_a_known_machine(is_named: bool) -> None:
    modality = ModalitySettings(ae_title="CR", host="192.0.2.1", port=104)
    settings = DicomSettings(max_associations=3, modality=(modality,) if is_named else ())
    door = Gate(settings, RefusedMachines(settings), Disturbances(), wait_seconds=0.1)
    if not is_named:
        door.image_stored("192.0.2.1")
    (known,) = entered(door, "192.0.2.1", 1, IDLE + 2)
    strangers = [*entered(door, "198.51.100.1", 1, IDLE), *entered(door, "198.51.100.2", 1, IDLE + 1)]
    for number in range(3, 20):
        entered(door, f"198.51.100.{number}", 1, IDLE)
    assert all(stranger.was_cut for stranger in strangers)
    assert not known.was_cut
    known.useless = KNOWN_SECONDS + 1
    entered(door, "198.51.100.20", 1)
    assert not known.was_cut, "strangers first"


def test_a_known_machine_that_waits_is_first() -> None:
    door, _, _ = gate(1)
    (first,) = entered(door, "192.0.2.9", 1)
    door.image_stored("192.0.2.1")
    got: list[str] = []

    def enter(address: str) -> None:
        if door.enter(Place(address), "CR") is None:
            got.append(address)

    strangers = [threading.Thread(target=enter, args=(f"198.51.100.{number}",)) for number in range(20)]
    waiting = threading.Thread(target=enter, args=("192.0.2.1",))
    for thread in (*strangers, waiting):
        thread.start()
    time.sleep(0.05)
    door.leave(first)
    for thread in (*strangers, waiting):
        thread.join()
    assert got == ["192.0.2.1"]
