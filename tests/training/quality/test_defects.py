"""Making bad pictures of good ones, and fitting and measuring the check that names the defect."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from leapfrog.phantoms.chest import ChestModel
from leapfrog.reader.assess.check_in_front.checks import load_check
from leapfrog.reader.assess.check_in_front.defects import SENTENCES, Defect
from leapfrog.reader.image.pixels import model_input
from leapfrog_training.quality.defect_check import Fitted, Layout, Source, check_bytes, fit_defects
from leapfrog_training.quality.defects import CHEST_DEFECTS, Gray, MadeDefect
from leapfrog_training.quality.elsewhere import elsewhere
from leapfrog_training.quality.network import fit_network
from leapfrog_training.quality.rates import AS_IT_IS, measure_defects, rate_metrics
from leapfrog_training.quality.strangers import DRAWN_FOR_FITTING, DRAWN_FOR_MEASURING

LAYOUT = Layout(96, 96, thumbnail_components=15, gradient_components=30)
EASY = tuple(made for made in CHEST_DEFECTS if made.kind in (Defect.FAINT, Defect.LETTERED, Defect.INVERTED))
FITTED, MEASURED = 24, 5  # films of each source


@dataclass(frozen=True)
class Fit:
    """A check of drawn films, with what it was made from."""

    fitted: Fitted
    sources: tuple[Source, ...]


def films(count: int, seed: int) -> list[Gray]:
    model, generator = ChestModel.load(), np.random.default_rng(seed)
    return [(model.sample("clear", generator) * 255).astype(np.uint8) for _ in range(count)]


def source(name: str, seed: int) -> Source:
    fitted = films(FITTED, seed)
    return Source(name, fitted, [str(number) for number in range(FITTED)], films(MEASURED, seed + 1))


@pytest.fixture(scope="module")
def fit() -> Fit:
    sources = (source("here", 1), source("there", 11))
    generator = np.random.default_rng(2)
    strangers = [draw(generator) for draw in DRAWN_FOR_FITTING for _ in range(10)]
    return Fit(fit_defects(sources, CHEST_DEFECTS, strangers, LAYOUT, seed=3), sources)


MAKERS = [(made, name) for made in CHEST_DEFECTS for name in made.measured]


@pytest.mark.parametrize(("made", "name"), MAKERS, ids=[name for _, name in MAKERS])
def test_a_bad_picture_is_gray_and_another_than_the_film(made: MadeDefect, name: str) -> None:
    film = films(1, 5)[0]
    before = film.copy()
    for maker in (*made.fitted, made.measured[name]):
        bad = maker(film, np.random.default_rng(6))
        assert bad.dtype == np.uint8
        assert bad.ndim == 2
        assert bad.shape != film.shape or not np.array_equal(bad, film)
    assert np.array_equal(film, before), "the film itself stays as it was"


def test_every_defect_that_is_made_has_a_sentence_that_leaves_the_reading_to_a_person() -> None:
    assert {made.kind for made in CHEST_DEFECTS} == {*Defect} - {Defect.STRANGE}
    for sentence in SENTENCES.values():
        assert "look at it yourself" in sentence.lower()
        assert "again" not in sentence, "up to one good film in fifty is stopped: none is taken again for that"


def test_a_film_from_elsewhere_still_shows_the_same() -> None:
    film = films(1, 7)[0]
    generator = np.random.default_rng(8)
    for _ in range(20):
        other = elsewhere(film, generator)
        assert min(other.shape) >= 100
        assert other.std() > 15


def test_the_network_tells_kinds_that_no_straight_line_tells() -> None:
    generator = np.random.default_rng(3)
    inputs = generator.normal(0, 1, (9000, 2)).astype(np.float32)
    kinds = np.digitize(np.linalg.norm(inputs, axis=1), (0.7, 1.4)).astype(np.intp)
    network = fit_network(inputs, kinds, 3, seed=0)
    hidden = np.maximum(inputs @ network.hidden_weights + network.hidden_bias, 0)
    assert ((hidden @ network.weights + network.bias).argmax(axis=1) == kinds).mean() > 0.8


def test_films_pass_whichever_source_they_come_from(fit: Fit) -> None:
    rates = measure_defects(fit.fitted, fit.sources, EASY, {}, LAYOUT, seed=4)
    assert {*rates.refused} == {*rates.refused_left_out} == {"here", "there"}
    for shares in rates.refused.values():
        assert shares[AS_IT_IS].share <= 0.2
        assert shares[AS_IT_IS].pictures == MEASURED
        assert np.mean([share.share for share in shares.values()]) <= 0.25  # a small fit of few films
    easy = ("contrast times 0.1", "lines of text", "dark and bright swapped")
    assert all(share.share <= 0.2 for name in easy for share in rates.missed[name].values())
    assert all(rates.named[name] >= 0.8 for name in easy)
    metrics = rate_metrics(rates)
    assert metrics["pictures"] == {"here": MEASURED, "there": MEASURED}


def test_strangers_are_counted_by_kind(fit: Fit) -> None:
    generator = np.random.default_rng(9)
    strangers = {name: [draw(generator) for _ in range(4)] for name, draw in DRAWN_FOR_MEASURING.items()}
    rates = measure_defects(fit.fitted, (), (), strangers, LAYOUT, seed=4)
    assert {*rates.missed} == {*DRAWN_FOR_MEASURING}
    assert np.mean([shares["all"].share for shares in rates.missed.values()]) <= 0.2


def test_the_check_is_small_and_the_same_when_it_is_loaded(fit: Fit, tmp_path: Path) -> None:
    content = check_bytes(fit.fitted.check)
    assert len(content) < 300_000
    (tmp_path / "quality.npz").write_bytes(content)
    loaded = load_check(tmp_path / "quality.npz", (96, 96))
    film = films(1, 20)[0]
    from_file = loaded.check(film_input := model_input(film, 96, 96), film)
    kept = fit.fitted.check.check(film_input, film)
    assert from_file.acceptable == kept.acceptable
    assert from_file.score == pytest.approx(kept.score, abs=0.2)
