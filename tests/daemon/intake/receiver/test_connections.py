"""How many connections without an association may be open, and which of them is cut."""

import threading
from dataclasses import dataclass

from leapfrog.intake.receiver.connections import (
    CONNECTIONS_AT_ONCE,
    CONNECTIONS_PER_SECOND,
    CUTTING_COST,
    ENDING,
    FLOODING_SHARE,
    MOST_ADDRESSES,
    MOST_OF_ONE_ADDRESS,
    MOST_WITHOUT_ASSOCIATION,
    PAID_SECONDS,
    Connections,
)
from leapfrog.intake.receiver.disturbances import FLOOD_SECONDS, Disturbances


@dataclass(eq=False)
class Peer:
    """A connection that does nothing."""

    address: str
    established: bool = False
    cuts: int = 0

    def cut(self) -> None:
        self.cuts += 1


class Now:
    """Time that stands still."""

    def __init__(self) -> None:
        self.seconds = 5.0

    def __call__(self) -> float:
        return self.seconds


def opened(connections: Connections, address: str, count: int) -> list[Peer]:
    peers = [Peer(address) for _ in range(count)]
    for peer in peers:
        connections.add(peer)
    return peers


def test_of_one_address_the_oldest_is_cut_and_nobody_else() -> None:
    disturbances = Disturbances()
    connections = Connections(10, disturbances)
    (modality,) = opened(connections, "192.0.2.1", 1)
    crowd = opened(connections, "192.0.2.66", MOST_OF_ONE_ADDRESS + 3)
    assert [peer.cuts for peer in crowd] == [1] * 3 + [0] * MOST_OF_ONE_ADDRESS
    assert modality.cuts == 0
    assert connections.was_cut(crowd[0])
    (problem,) = disturbances.problems()
    assert "192.0.2.66 disturbs the box: it opens more connections at once" in problem.what


def test_of_many_addresses_the_oldest_of_the_largest_crowd_is_cut() -> None:
    disturbances = Disturbances()
    connections = Connections(10, disturbances)
    (modality,) = opened(connections, "192.0.2.1", 1)
    pairs = [opened(connections, f"198.51.100.{number}", 2) for number in range(MOST_WITHOUT_ASSOCIATION // 2)]
    assert modality.cuts == 0
    assert [peer.cuts for pair in pairs for peer in pair] == [1] + [0] * (MOST_WITHOUT_ASSOCIATION - 1)
    assert disturbances.problems() == (), "two connections are no crowd"


def test_whoever_has_an_association_is_not_counted() -> None:
    connections = Connections(10, Disturbances())
    peers = opened(connections, "192.0.2.1", MOST_OF_ONE_ADDRESS)
    for peer in peers:
        peer.established = True
    others = opened(connections, "192.0.2.1", MOST_OF_ONE_ADDRESS)
    assert not any(peer.cuts for peer in (*peers, *others))


def test_without_resources_the_oldest_is_cut_and_waited_for() -> None:
    connections = Connections(10, Disturbances())
    peers = opened(connections, "192.0.2.1", 3)
    peers[0].established = True
    assert not connections.cut_oldest(0.01)
    ending = threading.Timer(0.05, connections.remove, [peers[2]])
    ending.start()
    assert connections.cut_oldest(10)
    assert [peer.cuts for peer in peers] == [0, 1, 1]


def test_there_is_room_until_those_that_were_cut_have_ended() -> None:
    connections = Connections(10, Disturbances())
    peers = opened(connections, "192.0.2.66", 10 + MOST_WITHOUT_ASSOCIATION + ENDING)
    assert not connections.wait_for_room(0.01)
    connections.remove(peers[0])
    assert connections.wait_for_room(0.01)


def test_the_pace_of_an_address_is_bounded_and_others_keep_theirs() -> None:
    now = Now()
    disturbances = Disturbances(now)
    connections = Connections(10, disturbances, now)
    refused = [connections.too_fast("192.0.2.66") for _ in range(1000)]
    assert refused.count(False) == CONNECTIONS_AT_ONCE
    assert not connections.too_fast("192.0.2.1")
    now.seconds += 1
    refused = [connections.too_fast("192.0.2.66") for _ in range(1000)]
    assert refused.count(False) == CONNECTIONS_PER_SECOND * FLOODING_SHARE
    now.seconds += FLOOD_SECONDS + 1
    refused = [connections.too_fast("192.0.2.66") for _ in range(1000)]
    assert CONNECTIONS_AT_ONCE * FLOODING_SHARE <= refused.count(False) <= CONNECTIONS_AT_ONCE
    (problem,) = disturbances.problems()
    assert "192.0.2.66 disturbs the box: it opens connections faster than any modality does" in problem.what


def test_a_connection_for_which_another_is_cut_counts_for_several() -> None:
    connections = Connections(10, Disturbances(), Now())
    opened(connections, "192.0.2.66", MOST_OF_ONE_ADDRESS)
    refused = [connections.too_fast("192.0.2.66") for _ in range(1000)]
    assert refused.count(False) == CONNECTIONS_AT_ONCE / CUTTING_COST


def test_a_connection_whose_request_is_costly_counts_for_several() -> None:
    disturbances = Disturbances()
    connections = Connections(10, disturbances, Now())
    taken = 0
    while not connections.too_fast("192.0.2.66"):
        connections.was_costly("192.0.2.66", 5 * PAID_SECONDS)
        taken += 1
    assert taken == CONNECTIONS_AT_ONCE / 5
    assert disturbances.disturbs("192.0.2.66")
    for _ in range(int(CONNECTIONS_AT_ONCE)):
        assert not connections.too_fast("192.0.2.1")
        connections.was_costly("192.0.2.1", PAID_SECONDS)


def test_addresses_without_end_take_no_memory_without_end() -> None:
    connections = Connections(10, Disturbances())
    for number in range(3 * MOST_ADDRESSES):
        assert not connections.too_fast(f"2001:db8::{number:x}")
    assert len(connections._paces) == MOST_ADDRESSES
