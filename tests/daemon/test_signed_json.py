"""JSON that somebody signs has one form, and is understood in one way."""

import pytest

from leapfrog.signed_json import canonical, parsed


def test_the_same_content_is_the_same_bytes() -> None:
    one = parsed('{"b": [1, true, null],\n "a": {"y": "Łódź", "x": ""}}'.encode())
    other = parsed(b'{"a":{"x":"","y":"\\u0141\\u00f3d\\u017a"},"b":[1,true,null]}')
    assert canonical(one) == canonical(other) == b'{"a":{"x":"","y":"\\u0141\\u00f3d\\u017a"},"b":[1,true,null]}'


@pytest.mark.parametrize("value", [1.5, float("nan"), {1: "a"}, {"a": [b""]}, {"a": {"b": 0.0}}])
def test_what_is_not_written_alike_everywhere_cannot_be_signed(value: object) -> None:
    with pytest.raises(ValueError, match=r"is no text|is not written alike"):
        canonical(value)


@pytest.mark.parametrize(
    "content", [b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[1]", b'"a"', b"", b"{", b"\xff{}", b'{"a":' * 20_000]
)
def test_what_can_be_read_in_two_ways_or_in_none_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(content)
