"""From which films those that chest-findings is trained on are made."""

import numpy as np
import pytest

from leapfrog_training.chest.films import AdultFilm, Source, abnormal, of_view
from leapfrog_training.chest.mixing import groups_of
from support.adults import SICK, films

MINED, RSNA = Source.CHESTXRAY14, Source.RSNA_NORMAL
# As in the real sets: the sick are mostly AP, the healthy mostly PA, and of the other source.
UNEVEN = films(
    (40, SICK, "AP", MINED), (9, SICK, "PA", MINED), (7, (), "AP", MINED), (20, (), "PA", MINED),
    (5, (), "AP", RSNA), (90, (), "PA", RSNA),
)  # fmt: skip


def chances_of(listed: list[AdultFilm]) -> np.ndarray:
    """How likely each film is drawn."""
    chances = np.zeros(len(listed))
    for group in groups_of(listed):
        chances[group.films] += group.share / len(group.films)
    return chances


def test_half_are_sick_and_neither_source_nor_view_tells_who() -> None:
    chances = chances_of(UNEVEN)
    sick, is_ap = abnormal(UNEVEN), of_view(UNEVEN, "AP")
    assert chances.sum() == pytest.approx(1)
    assert chances[sick].sum() == pytest.approx(0.5)
    assert chances[sick & is_ap].sum() == pytest.approx(0.25)
    for source in Source:
        of_source = np.array([film.source is source for film in UNEVEN]) & ~sick
        assert chances[of_source].sum() == pytest.approx(0.25)
        assert chances[of_source & is_ap].sum() == pytest.approx(0.125)


@pytest.mark.parametrize("source", Source)
def test_without_the_normal_films_of_a_source_those_of_the_other_stand_for_all(source: Source) -> None:
    left = [film for film in UNEVEN if film.labels or film.source is not source]
    chances, sick, is_ap = chances_of(left), abnormal(left), of_view(left, "AP")
    assert chances.sum() == pytest.approx(1)
    assert chances[sick].sum() == pytest.approx(0.5)
    assert chances[~sick & is_ap].sum() == pytest.approx(0.25)


def test_a_kind_that_has_films_of_one_view_only_keeps_its_share() -> None:
    left = [film for film in UNEVEN if film.labels or film.source is not RSNA or film.view == "PA"]
    chances = chances_of(left)
    of_source = np.array([film.source is RSNA for film in left])
    assert chances.sum() == pytest.approx(1)
    assert chances[of_source].sum() == pytest.approx(0.25)
