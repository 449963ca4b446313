"""How adults' films are shown to see whether a network looks at the lungs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leapfrog_training.chest.evaluation.controls import BORDER_ALONE, LUNGS_MASKED, SICK_GRAYS, controls
from leapfrog_training.chest.films import AdultFilm, Source
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.controls import distance_from_lungs
from support.adults import SICK, film

SIDE = 64
DARKEST = {"AP": 150, "PA": 90}  # of the abnormal films of each view


@pytest.fixture
def listed(tmp_path: Path) -> list[AdultFilm]:
    """Abnormal and normal films of both views; normal ones are dark."""
    random = np.random.default_rng(2)
    made = []
    for number in range(12):
        view = "AP" if number % 2 else "PA"
        sick = number % 4 < 2
        source = Source.CHESTXRAY14 if sick else Source.RSNA_NORMAL
        one = replace(film(number, SICK if sick else (), view, source), path=tmp_path / f"{number}.png")
        darkest = DARKEST[view] if sick else 30
        Image.fromarray(random.integers(darkest, darkest + 60, (SIDE, SIDE), dtype=np.uint8)).save(one.path)
        made.append(one)
    return made


def test_normal_films_get_the_grays_of_abnormal_ones_of_their_view_and_abnormal_ones_keep_theirs(
    listed: list[AdultFilm],
) -> None:
    shown = list(controls(listed)[SICK_GRAYS](listed))
    for one, gray in zip(listed, shown, strict=True):
        if one.labels:
            assert np.array_equal(gray, read_gray(one.path))
        else:
            assert gray.mean() == pytest.approx(DARKEST[one.view] + 30, abs=3)
            assert not np.array_equal(gray, read_gray(one.path))


def test_masked_lungs_and_the_border_alone_are_shown_of_every_film(listed: list[AdultFilm]) -> None:
    ways = controls(listed)
    assert set(ways) == {LUNGS_MASKED, BORDER_ALONE, SICK_GRAYS}
    for one, masked, alone in zip(listed, ways[LUNGS_MASKED](listed), ways[BORDER_ALONE](listed), strict=True):
        gray = read_gray(one.path)
        lungs = distance_from_lungs(gray) <= 1
        assert np.ptp(masked[lungs]) == 0 and np.array_equal(masked[~lungs], gray[~lungs])
        assert np.ptp(alone[10:-10, 10:-10]) == 0 and np.array_equal(alone[:7], gray[:7])
