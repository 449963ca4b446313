"""A receipt: what the district signed is read, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from leapfrog.district_key import DistrictKey, district_key
from leapfrog.errors import NotAReceipt
from leapfrog.signed_json import canonical
from leapfrog.stick.receipt import SIGNED_AS, Confirmed, Receipt, Refused, read_receipt, signed_receipt


@pytest.fixture
def district(tmp_path: Path) -> DistrictKey:
    return district_key(tmp_path / "district.key")


def receipt_of(district: DistrictKey, **other: Any) -> Receipt:
    values: dict[str, Any] = {
        "export_id": "0123456789abcdef" * 2,
        "part": 3,
        "station_key": "ab" * 32,
        "district": district.public.verify_key.hex(),
        "confirmed": (Confirmed(delivery_id="0011223344556677", sha256="cd" * 32),),
        "refused": (Refused(delivery_id="8899aabbccddeeff", reason="it holds another image under this UID"),),
        "made_at": "2026-11-29T10:00:00+03:00",
    }
    return Receipt(**(values | other))


def test_what_the_district_signed_is_read_however_it_was_laid_out_on_the_way(district: DistrictKey) -> None:
    receipt = receipt_of(district)
    content = signed_receipt(receipt, district.sign)
    assert read_receipt(content, district.public) == receipt
    laid_out_anew = json.dumps(dict(reversed(json.loads(content).items())), indent=8).encode()
    assert read_receipt(laid_out_anew, district.public) == receipt


def test_no_byte_of_it_can_be_changed(district: DistrictKey) -> None:
    receipt = receipt_of(district)
    content = signed_receipt(receipt, district.sign)
    for place in range(len(content)):
        for other in (content[place] ^ 1, ord(" ")):
            changed = content[:place] + bytes([other]) + content[place + 1 :]
            try:
                assert read_receipt(changed, district.public) == receipt, "only blanks and hexadecimal case may differ"
            except NotAReceipt:
                continue
    for length in range(len(content) - 1):
        with pytest.raises(NotAReceipt):
            read_receipt(content[:length], district.public)


def test_another_district_s_word_is_none(district: DistrictKey, tmp_path: Path) -> None:
    other = district_key(tmp_path / "other.key")
    with pytest.raises(NotAReceipt, match="did not sign"):
        read_receipt(signed_receipt(receipt_of(district), other.sign), district.public)
    with pytest.raises(NotAReceipt, match="another district than"):
        read_receipt(signed_receipt(receipt_of(other), district.sign), district.public)


def test_a_signature_over_something_else_is_none_over_a_receipt(district: DistrictKey) -> None:
    content = receipt_of(district).model_dump(mode="json")
    for signed in (canonical(content), b"LFSTATE1\n" + canonical(content)):
        document = {"receipt": content, "signature": district.sign(signed).hex()}
        with pytest.raises(NotAReceipt, match="did not sign"):
            read_receipt(json.dumps(document).encode(), district.public)


@pytest.mark.parametrize(
    "change",
    [
        lambda receipt: receipt | {"format": 2},
        lambda receipt: receipt | {"part": "3"},
        lambda receipt: receipt | {"part": 0},
        lambda receipt: receipt | {"export_id": receipt["export_id"] + "\n"},
        lambda receipt: receipt | {"more": 1},
        lambda receipt: receipt | {"confirmed": receipt["confirmed"] * 2},
        lambda receipt: {name: value for name, value in receipt.items() if name != "refused"},
    ],
)
def test_what_this_version_does_not_understand_confirms_nothing(
    district: DistrictKey, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    content = change(receipt_of(district).model_dump(mode="json"))
    document = {"receipt": content, "signature": district.sign(SIGNED_AS + canonical(content)).hex()}
    with pytest.raises(NotAReceipt, match="does not understand"):
        read_receipt(json.dumps(document).encode(), district.public)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"receipt": ' * 50_000,
        b'{"receipt": {}, "signature": 7}',
        b'{"receipt": {}, "signature": "zz"}',
        b'{"receipt": {}, "signature": ""}',
        b'{"receipt": NaN, "signature": ""}',
        b'{"receipt": 1.5, "signature": ""}',
        b'{"receipt": {}, "receipt": {}, "signature": ""}',
        b'{"receipt": "\\ud800", "signature": "00"}',
        b"\xff\xfe",
    ],
)
def test_whatever_else_lies_there_is_called_so(district: DistrictKey, content: bytes) -> None:
    with pytest.raises(NotAReceipt, match="no receipt"):
        read_receipt(content, district.public)


def test_a_delivery_cannot_be_both_confirmed_and_refused(district: DistrictKey) -> None:
    with pytest.raises(ValidationError, match="named twice"):
        receipt_of(district, refused=(Refused(delivery_id="0011223344556677", reason="no"),))
