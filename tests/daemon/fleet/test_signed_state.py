"""What a box says of itself arrives as it was signed, or is told to be something else."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leapfrog.errors import NotABoxState
from leapfrog.fleet.signed_state import LARGEST_BYTES, read_state
from support.box_states import a_box_state, signed_by

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def signed_as_is(said: dict[str, Any]) -> bytes:
    """A state as another program, or a later version, would sign it."""
    content = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    signature = KEY.sign(b"LFSTATE1\n" + content).hex()
    document = {"state": said, "signature": signature, "station_key": KEY.public_key().public_bytes_raw().hex()}
    return json.dumps(document, indent=2).encode()


def said(**values: Any) -> dict[str, Any]:
    found: dict[str, Any] = a_box_state().model_dump(mode="json") | values
    return found


def test_a_state_arrives_as_it_was_signed() -> None:
    state = a_box_state(box="Clínica São João")
    read = read_state(signed_by(KEY, state))
    assert read.state == state
    assert read.station_key == KEY.public_key().public_bytes_raw()


def test_however_the_file_is_laid_out_the_signature_holds() -> None:
    assert read_state(signed_as_is(said())).state == a_box_state()


def test_what_a_later_version_adds_is_left_out_and_the_signature_still_covers_it() -> None:
    content = signed_as_is(said(batteries=[{"percent": 35}]))
    assert read_state(content).state == a_box_state()
    with pytest.raises(NotABoxState, match="signature"):
        read_state(content.replace(b"35", b"99"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"count":3', b'"count":0'),
        (b"Clinic Hill", b"Clinic Hall"),
        (b'"sequence":1000000', b'"sequence":1000001'),
    ],
)
def test_what_was_changed_on_the_way_is_told(before: bytes, after: bytes) -> None:
    content = signed_by(KEY, a_box_state())
    assert before in content
    with pytest.raises(NotABoxState, match="was changed after the box had signed it"):
        read_state(content.replace(before, after))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"state": NaN}',
        b'{"state": {}, "signature": "", "station_key": ""}',
        b'{"state": {}, "signature": "' + b"zz" * 64 + b'", "station_key": "' + b"00" * 32 + b'"}',
        b'{"state": {"sequence": ' + b"9" * 5000 + b"}}",
    ],
)
def test_anything_else_is_no_state_of_a_box(content: bytes) -> None:
    with pytest.raises(NotABoxState, match="it is not the state of a box"):
        read_state(content)


def test_a_key_that_is_none_signs_nothing() -> None:
    document = {"state": said(), "signature": "00" * 64, "station_key": "ff" * 32}
    with pytest.raises(NotABoxState, match="signature"):
        read_state(json.dumps(document).encode())


def test_a_file_without_end_is_not_even_parsed() -> None:
    with pytest.raises(NotABoxState, match="more than 256 KB"):
        read_state(b" " * (LARGEST_BYTES + 1))


def test_a_state_of_another_format_is_told_as_such() -> None:
    with pytest.raises(NotABoxState, match="another version of Leapfrog"):
        read_state(signed_as_is(said(format=2)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("box", "A" * 65),
        ("box", "line\nline"),
        ("box", "\x1b[2J"),
        ("sequence", -1),
        ("sequence", 2**53),
        ("made_at", "2026-11-30T08:00:00"),
        ("uptime_seconds", 10**18),
        ("owed", {f"d{n}": {"count": 0, "bytes": 0} for n in range(51)}),
        ("owed", {"a b": {"count": 0, "bytes": 0}}),
        ("weeks", [{"week": "2026-48", "exams": 1, "urgent": 0, "not_assessed": 0, "answered": 0, "differing": 0}]),
        ("exams_per_day", [{"day": "2026-11-30", "exams": 1}] * 15),
        ("attention", [{"what": "x" * 501}]),
        ("attention", [{"what": "x"}] * 51),
    ],
)
def test_a_signed_state_that_no_box_says_is_refused_by_the_name_of_what_is_wrong(field: str, value: object) -> None:
    with pytest.raises(NotABoxState, match=f"the box signed something that no box says: {field}"):
        read_state(signed_as_is(said(**{field: value})))


def test_a_later_state_takes_the_place_of_an_earlier_one_and_never_the_other_way_round() -> None:
    earlier, later = (read_state(signed_by(KEY, a_box_state(sequence=number))) for number in (5, 6))
    assert later.is_later_than(earlier)
    assert later.is_later_than(None)
    assert not earlier.is_later_than(later)
    assert not later.is_later_than(later)


def test_a_box_with_a_new_key_begins_anew() -> None:
    old = read_state(signed_by(KEY, a_box_state(sequence=500)))
    new = read_state(signed_by(Ed25519PrivateKey.generate(), a_box_state(sequence=1)))
    assert new.is_later_than(old)
