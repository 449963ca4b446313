"""Which films and findings the package chest-findings is made from, and the folds of its cross-validation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leapfrog.errors import UsageError
from leapfrog_training.chest.labels import CHEST_LABELS
from leapfrog_training.datasets.chestxray14 import ChestXray14, Film
from leapfrog_training.datasets.splits import Fold, Split, patient_folds

FEWEST_TRAINING_POSITIVES = 20
FEWEST_VALIDATION_POSITIVES = 10
FOLD_SEED = 0


def truth(films: Sequence[Film], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which film has which label, shape (films, labels)."""
    return np.array([[label in film.labels for label in labels] for film in films], dtype=np.bool_)


def abnormal(films: Sequence[Film]) -> NDArray[np.bool_]:
    """Which films have any label at all, shape (films,)."""
    return np.array([bool(film.labels) for film in films], dtype=np.bool_)


def covered_findings(data: ChestXray14) -> tuple[str, ...]:
    """The findings with a code and with enough films on both sides to train and to measure, in the labels' order.

    Raises UsageError if there are none.
    """

    def films_with(label: str, split: Split) -> int:
        return sum(label in film.labels for film in data.in_split(split))

    covered = tuple(
        entry.label
        for entry in CHEST_LABELS
        if entry.code is not None
        and films_with(entry.label, "train") >= FEWEST_TRAINING_POSITIVES
        and films_with(entry.label, "test") >= FEWEST_VALIDATION_POSITIVES
    )
    if not covered:
        raise UsageError("no finding has enough films on both sides of the split to be trained and measured")
    return covered


def folds_of(films: tuple[Film, ...], folds: int) -> tuple[Fold, ...]:
    """The cross-validation over the training patients, the same in every step of a run."""
    return patient_folds([film.patient for film in films], folds, FOLD_SEED)
