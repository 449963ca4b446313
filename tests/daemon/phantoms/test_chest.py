"""Chest phantoms: reproducible, different, plausible, and nobody's film."""

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from leapfrog.phantoms.chest import COLUMNS, MODEL_PATH, ROWS, ChestModel, draw_chest

LARGEST_MODEL_BYTES = 500_000


def _bases(plate: NDArray[np.uint16]) -> NDArray[np.float64]:
    """The mean of the base of each lung."""
    rows = slice(int(0.52 * ROWS), int(0.62 * ROWS))
    return np.array([plate[rows, int(a * COLUMNS) : int(b * COLUMNS)].mean() for a, b in ((0.22, 0.36), (0.66, 0.78))])


def test_the_same_seed_gives_the_same_film_and_another_seed_another() -> None:
    first, again, other = draw_chest("clear", 1), draw_chest("clear", 1), draw_chest("clear", 2)
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 30


def test_a_film_is_a_12_bit_plate_with_dark_lungs_between_bright_tissue() -> None:
    plate = draw_chest("clear", 3)
    assert plate.shape == (ROWS, COLUMNS)
    assert plate.dtype == np.uint16
    assert plate.max() <= 4095
    middle = plate[int(0.75 * ROWS) : int(0.85 * ROWS), int(0.4 * COLUMNS) : int(0.6 * COLUMNS)].mean()
    assert _bases(plate).max() < 0.85 * middle


def test_opaque_lungs_hold_fluid_at_one_base() -> None:
    clear = [_bases(draw_chest("clear", seed)) for seed in range(2)]
    opaque = [_bases(draw_chest("opaque", seed)) for seed in range(2)]
    assert min(np.ptp(bases) for bases in opaque) > 2 * max(np.ptp(bases) for bases in clear)


def test_the_model_that_ships_is_small() -> None:
    assert MODEL_PATH.stat().st_size < LARGEST_MODEL_BYTES


def test_samples_are_no_more_like_the_fitted_films_than_like_films_never_seen(shared_data: Path) -> None:
    root = shared_data / "chestxray14"
    unseen = _films(root, "test_list.txt")
    fitted = _films(root, "train_val_list.txt")[: len(unseen)]
    model, generator = ChestModel.load(), np.random.default_rng(0)
    samples = np.stack(
        [_normalised(model.sample(kind, generator) * 255) for kind in ("clear", "opaque") for _ in range(40)]
    )
    nearest_fitted, nearest_unseen = ((samples @ films.T).max(axis=1).mean() for films in (fitted, unseen))
    assert nearest_fitted < nearest_unseen + 0.01


def _films(root: Path, list_file: str) -> NDArray[np.float64]:
    names = (root / list_file).read_text().split()
    return np.stack([_normalised(np.asarray(Image.open(root / "images" / name).convert("L"))) for name in names])


def _normalised(gray: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float64]:
    shrunk = np.asarray(
        Image.fromarray(gray.astype(np.uint8)).resize((64, 64), Image.Resampling.BOX), dtype=np.float64
    ).ravel()
    centred = shrunk - shrunk.mean()
    return np.asarray(centred / np.linalg.norm(centred))


@pytest.mark.parametrize("kind", ["clear", "opaque"])
def test_a_film_is_drawn_in_about_a_second(kind: str) -> None:
    began = time.process_time()
    draw_chest("clear" if kind == "clear" else "opaque", 5)
    assert time.process_time() - began < 2
