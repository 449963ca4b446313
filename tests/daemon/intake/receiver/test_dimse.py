"""Commands are short, whatever a peer sends as one."""

import struct

import pytest

from leapfrog.intake.receiver.dimse import MOST_ELEMENTS, decode_command
from leapfrog.intake.receiver.upper_layer import ProtocolViolation
from support.raw_peer import store_command


def empty_elements(count: int) -> bytes:
    return b"".join(struct.pack("<HHL", 0, 0x5000 + number, 0) for number in range(count))


def test_elements_that_nobody_knows_are_passed_over() -> None:
    assert decode_command(store_command("1.2") + empty_elements(20)) == decode_command(store_command("1.2"))


def test_a_command_of_more_elements_than_any_has_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation):
        decode_command(store_command("1.2") + empty_elements(MOST_ELEMENTS))
