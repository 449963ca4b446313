"""A link that breaks at any byte loses and doubles nothing. `tests/faults/run every-byte` has all bytes."""

import pytest

from support.every_byte import WHAT, Outcome, What, broken_at, places
from support.orthanc import Orthanc


@pytest.mark.parametrize("what", WHAT)
def test_a_break_at_any_byte_loses_and_doubles_nothing(orthanc: Orthanc, what: What) -> None:
    outcome = Outcome()
    for place in places(what, orthanc, most=8):
        outcome.add(broken_at(what, orthanc, place))
    assert outcome.breaks >= 16
    assert (outcome.lost, outcome.doubled, outcome.fatal) == ([], [], [])
