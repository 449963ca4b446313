"""What people read of a threshold that was set at this box."""

import pytest

from leapfrog.exam import ThresholdSetHere
from leapfrog.wording.threshold_words import in_films, set_here

SETTING = ThresholdSetHere(
    set_at="2026-11-29T10:00:00+00:00", set_by="Dr Amina\nOkello", images=1240, package_threshold=0.6
)


def test_a_threshold_is_told_apart_from_the_packages_own() -> None:
    said = "0.600004 set here on 2026-11-29 from 1,240 images by Dr Amina Okello, instead of tiny-chest 1.2.3's own"
    assert set_here(0.600004, SETTING, "tiny-chest 1.2.3's") == f"{said} 0.600000"
    assert set_here(0.75, SETTING, "tiny-chest 1.2.3's") == f"{said} 0.60".replace("0.600004", "0.75")


@pytest.mark.parametrize(
    ("package_urgent_threshold", "said"),
    [(0.9, "urgent from 0.80 on, instead of 0.90"), (None, "urgent from 0.80 on, instead of whenever it is flagged")],
)
def test_an_urgent_threshold_that_was_set_is_told_after_it(package_urgent_threshold: float | None, said: str) -> None:
    urgent = {"urgent_threshold": 0.8, "package_urgent_threshold": package_urgent_threshold}
    told = set_here(0.75, SETTING.model_copy(update=urgent), "tiny-chest 1.2.3's")
    assert told == set_here(0.75, SETTING, "tiny-chest 1.2.3's") + f"; {said}"


def test_a_view_is_named_where_only_that_is_meant() -> None:
    assert (in_films("Edema", "AP"), in_films("Edema", None)) == ("Edema in AP films", "Edema")
