"""How much room requests for storage commitment take, and for how long."""

import pytest

from leapfrog.dicom.commitment import CommitmentRequest, Reference
from leapfrog.state import commitments as module
from leapfrog.state.commitments import Commitments, Room, TooManyWaiting
from leapfrog.state.journal import Journal

ROOM = Room(requests_of_address=3, requests=5, named_of_address=10, named=100)
DAY = 24 * 3600.0


@pytest.fixture
def commitments(journal: Journal) -> Commitments:
    return Commitments(journal)


def ask(commitments: Commitments, number: int, address: str = "192.0.2.7", count: int = 1, room: Room = ROOM) -> str:
    references = tuple(Reference("1.2.840.10008.5.1.4.1.1.7", f"2.25.{one}") for one in range(count))
    return commitments.add("CT", address, CommitmentRequest(f"2.25.{number}", references), room)


def test_there_is_room_for_so_many_requests_of_one_address_and_of_all(commitments: Commitments) -> None:
    for number in range(3):
        ask(commitments, number)
    with pytest.raises(TooManyWaiting):
        ask(commitments, 3)
    for number in range(4, 6):
        ask(commitments, number, "192.0.2.8")
    with pytest.raises(TooManyWaiting):
        ask(commitments, 6, "192.0.2.8")
    assert ask(commitments, 0), "one that is sent again needs none"


def test_strangers_leave_room_for_others(commitments: Commitments) -> None:
    strangers = Room(requests_of_address=3, requests=2, named_of_address=10, named=100)
    for number in range(2):
        ask(commitments, number, room=strangers)
    with pytest.raises(TooManyWaiting):
        ask(commitments, 2, room=strangers)
    ask(commitments, 2)


def test_what_was_given_up_takes_no_room_away(commitments: Commitments) -> None:
    given_up = [ask(commitments, number, count=5) for number in range(2)]
    with pytest.raises(TooManyWaiting):
        ask(commitments, 9)
    commitments.waited(dict.fromkeys(given_up, 8 * DAY), 7 * DAY)
    for number in range(10, 13):
        ask(commitments, number)
    with pytest.raises(TooManyWaiting):
        ask(commitments, 0, count=5)


def test_what_was_given_up_is_forgotten_in_time(commitments: Commitments) -> None:
    commitments.waited({ask(commitments, 1): 8 * DAY}, 7 * DAY)
    commitments.age_given_up(10 * DAY, 30 * DAY)
    assert commitments.counts()["given_up"] == 1
    commitments.age_given_up(13 * DAY, 30 * DAY)
    assert commitments.counts()["given_up"] == 0


@pytest.mark.parametrize(
    "room",
    [
        Room(requests_of_address=2, requests=9, named_of_address=99, named=99),
        Room(requests_of_address=9, requests=2, named_of_address=99, named=99),
        Room(requests_of_address=9, requests=9, named_of_address=2, named=99),
        Room(requests_of_address=9, requests=9, named_of_address=99, named=2),
    ],
)
def test_only_the_newest_that_were_given_up_are_kept(
    commitments: Commitments, monkeypatch: pytest.MonkeyPatch, room: Room
) -> None:
    monkeypatch.setattr(module, "ROOM_OF_GIVEN_UP", room)
    asked = [ask(commitments, number) for number in range(3)]
    commitments.waited(dict.fromkeys(asked, 8 * DAY), 7 * DAY)
    commitments.age_given_up(0.0, 30 * DAY)
    assert [one.id for one in commitments.given_up()] == asked[1:]


def test_one_that_waits_is_given_up_only_by_its_own_patience(commitments: Commitments) -> None:
    first, second = ask(commitments, 1), ask(commitments, 2)
    commitments.waited({first: 2 * DAY}, 7 * DAY)
    assert commitments.waited({second: 2 * DAY}, DAY) == 1
    assert [one.id for one in commitments.waiting()] == [first]


def test_a_stranger_of_the_same_name_has_nothing_forgotten(commitments: Commitments) -> None:
    commitments.waited({ask(commitments, 1): 8 * DAY}, 7 * DAY)
    commitments.reported(ask(commitments, 2, "192.0.2.66"))
    assert commitments.counts()["given_up"] == 1
