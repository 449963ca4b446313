"""The small form of `tests/end_to_end/whole_district/run`: a whole district, by link and by stick, while one of
everything is killed.
"""

from pathlib import Path

import pytest

from end_to_end.whole_district.day import live, why_not
from end_to_end.whole_district.exams import Dose, shared_images

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(400)]
SMALL = Dose(films=1, ultrasound=1, loops=1, urgent=1, late=1)


def test_everything_is_at_the_district_once_nothing_is_owed_and_the_page_of_the_fleet_is_true(
    tmp_path: Path,
) -> None:
    if reason := why_not(tmp_path):
        pytest.skip(reason)
    outcome = live(tmp_path, SMALL, shared_images(), print)
    assert outcome.broken_promises == []
    assert {one.what for one in outcome.kills} == {
        "nginx", "Orthanc 1", "PostgreSQL", "the linked box", "the box without a link",
        "leapfrog export", "the stick", "leapfrog receive", "leapfrog import",
    }  # fmt: skip
    assert outcome.audit is not None
    assert outcome.audit.originals == 10
    assert outcome.audit.answers == 1
