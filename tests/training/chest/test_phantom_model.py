"""The low-rank model of chest films: what it keeps, and what it must not keep."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from leapfrog.phantoms.chest import ChestModel
from leapfrog_training.chest.phantom_model import COMPONENTS, SIDE, chest_model_bytes, fit_chest_model
from leapfrog_training.quality.strangers import Gray


def _films(count: int) -> tuple[list[Gray], list[frozenset[str]]]:
    """Clear films are dark above, opaque ones bright, and every film has a bright spot of its own."""
    generator = np.random.default_rng(0)
    films, labels = [], []
    for number in range(count):
        opaque = number % 2 == 1
        film = np.full((256, 256), 150, dtype=np.uint8)
        film[:128] = 140 if opaque else 60
        row, column = generator.integers(0, 250, 2)
        film[row : row + 6, column : column + 6] = 255
        films.append(film)
        labels.append(frozenset({"Effusion"}) if opaque else frozenset())
    return films, labels


@pytest.fixture(scope="module")
def model() -> ChestModel:
    """A model of 200 made-up films."""
    films, labels = _films(200)
    return ChestModel.load(BytesIO(chest_model_bytes(fit_chest_model(films, labels))))


def test_samples_are_of_their_kind(model: ChestModel) -> None:
    generator = np.random.default_rng(1)
    clear, opaque = (
        np.mean([model.sample(kind, generator)[:50].mean() for _ in range(5)]) for kind in ("clear", "opaque")
    )
    assert clear < 0.35
    assert opaque > 0.45


def test_what_only_one_film_shows_is_not_kept(model: ChestModel) -> None:
    film = _films(1)[0][0]
    assert film.max() == 255
    assert model.mean.max() < 190
    assert model.components.shape == (COMPONENTS, SIDE, SIDE)


def test_too_few_films_to_blend_are_refused() -> None:
    films, labels = _films(40)
    with pytest.raises(ValueError, match="clear"):
        fit_chest_model(films, labels)


def test_the_model_that_ships_is_what_the_training_films_give(shared_data: Path) -> None:
    from leapfrog_training.datasets.chestxray14 import open_chestxray14
    from leapfrog_training.datasets.images import read_gray

    films = open_chestxray14(shared_data / "chestxray14").in_split("train")
    fitted = fit_chest_model([read_gray(film.path) for film in films], [film.labels for film in films])
    shipped = ChestModel.load()
    assert np.abs(fitted.mean.astype(int) - shipped.mean).max() <= 1
    assert np.allclose(fitted.spread, shipped.spread, rtol=1e-3)
