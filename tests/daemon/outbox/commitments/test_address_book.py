"""An AE title is anybody's; the address says whose block it is."""

from ipaddress import ip_address

import pytest

from leapfrog.outbox.commitments.address_book import LOOK_UP_AGAIN_SECONDS, AddressBook, addresses_of
from leapfrog.peer_address import Address
from leapfrog.settings import ModalitySettings


def book_of(host: str) -> AddressBook:
    return AddressBook([ModalitySettings(ae_title="FILMROOM", host=host, port=104)])


@pytest.mark.parametrize(
    ("host", "address", "fits"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:DB8:0::1", True),
    ],
)
def test_the_address_must_fit(host: str, address: str, fits: bool) -> None:
    assert (book_of(host).find("FILMROOM", address) is not None) == fits
    assert book_of(host).find("ULTRASOUND", address) is None


def test_a_name_is_looked_up_when_it_is_needed_and_not_again_at_once() -> None:
    now, asked = [0.0], []

    def look_up(host: str) -> frozenset[Address]:
        asked.append(host)
        return frozenset({ip_address("192.0.2.7")})

    book = AddressBook([ModalitySettings(ae_title="FILMROOM", host="filmroom", port=104)], look_up, lambda: now[0])
    assert not book.look_up([("ULTRASOUND", "192.0.2.7")])
    assert book.find("FILMROOM", "192.0.2.7") is None
    assert book.look_up([("FILMROOM", "192.0.2.7")])
    assert book.find("FILMROOM", "192.0.2.7") is not None
    assert not book.look_up([("FILMROOM", "192.0.2.7"), ("FILMROOM", "192.0.2.66")])
    now[0] += LOOK_UP_AGAIN_SECONDS
    assert not book.look_up([("FILMROOM", "192.0.2.7")]), "it fits"
    assert book.look_up([("FILMROOM", "192.0.2.66")])
    assert asked == ["filmroom", "filmroom"]


def test_names_of_this_machine_are_known_and_a_wrong_one_has_no_address() -> None:
    assert ip_address("127.0.0.1") in addresses_of("localhost")
    assert addresses_of("no.such.name.invalid") == frozenset()
