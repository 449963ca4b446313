"""Figures are pictures that a card can carry. Skipped where matplotlib, of the extra `training`, is missing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leapfrog_training import figures
from leapfrog_training.reliability import reliability

pytest.importorskip("matplotlib", reason="the extra `training` is not installed: matplotlib is missing")
pytestmark = pytest.mark.filterwarnings("ignore")

LARGEST_BYTES = 80_000
RANDOM = np.random.default_rng(0)
POSITIVE = RANDOM.random(60) < 0.4
SCORES = np.clip(POSITIVE * 0.3 + RANDOM.random(60) * 0.7, 0, 1)


def is_a_picture(path: Path) -> bool:
    with Image.open(path) as picture:
        return min(picture.size) > 200 and path.stat().st_size < LARGEST_BYTES


def test_each_figure_is_a_small_picture(tmp_path: Path) -> None:
    figures.draw_roc(
        tmp_path / "roc.png", {"Edema": POSITIVE}, {"int8": {"Edema": SCORES}, "float32": {"Edema": SCORES}}
    )
    figures.draw_reliability(tmp_path / "reliability.png", {"Edema": reliability(POSITIVE, SCORES)})
    figures.draw_histogram(tmp_path / "dice.png", list(SCORES), "Dice", "pictures", mark=1.0)
    figures.draw_agreement(tmp_path / "error.png", list(100 + 100 * SCORES), list(SCORES - 0.5))
    assert all(is_a_picture(tmp_path / name) for name in ("roc.png", "reliability.png", "dice.png", "error.png"))


def test_examples_are_drawn_with_their_maps(tmp_path: Path) -> None:
    gray = RANDOM.integers(0, 256, (40, 50), dtype=np.uint8)
    figures.draw_examples(tmp_path / "new" / "e.png", [("rightly flagged", gray, np.eye(7)), ("missed", gray, None)])
    with Image.open(tmp_path / "new" / "e.png") as picture:
        assert picture.width > picture.height


def test_a_roc_curve_runs_from_corner_to_corner_and_its_area_is_the_auroc() -> None:
    from leapfrog_training.scores import auroc

    false, true = figures._roc(POSITIVE, SCORES)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(auroc(POSITIVE, SCORES))
