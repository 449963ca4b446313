"""The check in front of nerve, fitted to a few pictures of each kind."""

from pathlib import Path

import pytest

from leapfrog_training.datasets.chestxray14 import Film
from leapfrog_training.datasets.hc18 import open_hc18
from leapfrog_training.datasets.splits import DataSet
from leapfrog_training.nerve.data import open_nerves
from leapfrog_training.quality import recipes
from leapfrog_training.quality.check import metrics
from leapfrog_training.quality.recipes import INVERTED, UPSIDE_DOWN, nerve_quality

EACH = 16


def some(data: DataSet, train: int, test: int) -> DataSet:  # type: ignore[type-arg]
    return DataSet((*data.in_split("train")[:train], *data.in_split("test")[:test]), ())


def test_nerves_pass_and_heads_films_and_turned_scans_do_not(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "DRAWINGS_EACH_FITTED", 2)
    monkeypatch.setattr(recipes, "DRAWINGS_EACH_MEASURED", 2)
    films = sorted((shared_data / "chestxray14" / "images").glob("*.png"))[: 2 * EACH]
    chest = DataSet(
        tuple(Film(path, path.name, frozenset(), "PA", ("train", "test")[n % 2]) for n, path in enumerate(films)), ()
    )
    nerves = some(open_nerves([shared_data / "nerves_usgra"]), 2 * EACH, EACH)
    heads = some(open_hc18(shared_data / "hc18"), EACH, EACH)
    result = nerve_quality(chest, heads, nerves, {}, seed=0)
    told = metrics(result.fitted, result.rates)
    missed = result.rates.missed
    assert {"chest film", "fetal head", INVERTED, UPSIDE_DOWN, "drawn hand"} <= {*missed}
    assert told["validation_images"] == EACH
    assert result.rates.false_alarm_rate <= 0.4  # fitted to a fifth of the pictures that the shipped check has
    assert missed["fetal head"][0] <= 0.2 and missed["chest film"][0] <= 0.2 and missed[INVERTED][0] <= 0.2
