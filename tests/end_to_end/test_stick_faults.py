"""A small dose of what may befall a stick; `tests/stick/run` has the whole."""

import random
from pathlib import Path

import pytest

from stick import exporting, file_systems, importing
from stick.calls import CallScene
from support.failing_calls import FailingCalls
from support.stick_disks import MAKERS, why_not

CASES = {exporting.Scene: 3, importing.Scene: 1}
WHAT = {"FAT": "it fills up", "exFAT": "out and back", "ext4": "out and back"}

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not FailingCalls.possible(), reason="gcc is not installed: it builds what makes calls fail")
@pytest.mark.parametrize("kind", CASES)
def test_nothing_is_lost_at_whatever_call_it_ends(kind: type[CallScene], tmp_path: Path) -> None:
    with kind(tmp_path) as scene:
        cases = scene.cases()
        for case in random.sample(cases, CASES[kind]):
            assert scene.meets(case) == [], case


@pytest.mark.root
@pytest.mark.parametrize("kind", MAKERS)
def test_a_stick_of_each_file_system_goes_out_and_comes_back(kind: str, tmp_path: Path) -> None:
    if reason := why_not(kind):
        pytest.skip(reason)
    with file_systems.Scene(tmp_path) as scene:
        for case in scene.cases():
            if case.kind == kind and case.what == WHAT[kind]:
                assert scene.meets(case) == [], case
