"""`leapfrog receive` that is killed, or whose stick is pulled out, at any moment: a few of the moments that
`tests/stick/run` goes through one by one.
"""

from pathlib import Path

import pytest

from stick.receiving import Scene
from support.failing_calls import FailingCalls
from support.orthanc import orthanc_program

MOMENTS = 8

pytestmark = [
    pytest.mark.skipif(orthanc_program() is None, reason="Orthanc with its DICOMweb plug-in is not installed"),
    pytest.mark.skipif(not FailingCalls.possible(), reason="gcc is not installed"),
]


def test_whenever_it_ends_nothing_is_lost_or_confirmed_in_vain_and_once_more_makes_all_right(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        cases = scene.cases()
        for case in cases[:: len(cases) // MOMENTS]:
            assert scene.meets(case) == [], case.label
