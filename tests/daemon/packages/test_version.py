"""Which of two versions is higher."""

from itertools import pairwise

import pytest

from leapfrog.packages.version import PackageVersion

RISING = (
    "0", "0.1.0", "0.9.9", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2",
    "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.0.1", "1.0.1", "2026.01.31",
)  # fmt: skip


@pytest.mark.parametrize(("lower", "higher"), pairwise(RISING))
def test_versions_rise(lower: str, higher: str) -> None:
    assert PackageVersion.parse(lower) < PackageVersion.parse(higher)
    assert not PackageVersion.parse(higher) <= PackageVersion.parse(lower)


@pytest.mark.parametrize(("one", "other"), [("1.2", "1.2.0"), ("1.0.0+monday", "1.0.0+friday"), ("1.02", "1.2")])
def test_neither_of_two_equal_versions_may_replace_the_other(one: str, other: str) -> None:
    assert PackageVersion.parse(one) == PackageVersion.parse(other)
    assert hash(PackageVersion.parse(one)) == hash(PackageVersion.parse(other))
    assert not PackageVersion.parse(one) > PackageVersion.parse(other)


@pytest.mark.parametrize(
    "text", ["", "v1", "1.", "1..2", "1.0-", "1.0+", "1_0", "latest", "1.0\n", "\u0661.0", "1-\u00b2"]
)
def test_what_cannot_be_compared_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        PackageVersion.parse(text)
