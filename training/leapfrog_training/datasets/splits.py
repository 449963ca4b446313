"""Splits that keep every patient on one side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.errors import DatasetError, PatientLeak

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Fold:
    """One turn of a cross-validation: positions of the records to fit on and of those held out."""

    fit: NDArray[np.intp]
    held_out: NDArray[np.intp]


def refuse_leak(train_patients: Iterable[str], test_patients: Iterable[str], data_set: str) -> None:
    """Raise PatientLeak, naming a few, when a patient is in both groups."""
    shared = sorted(set(train_patients) & set(test_patients))
    if shared:
        some = ", ".join(shared[:5])
        raise PatientLeak(
            f"{data_set}: {len(shared)} patients are both in training and in test ({some}): "
            "give lists in which no patient occurs twice"
        )


def patient_folds(patients: Sequence[str], folds: int, seed: int) -> tuple[Fold, ...]:
    """Deal the patients into `folds` groups of about equally many records; each group is held out once.

    The patients are shuffled by `seed`, then each goes to the group that has the fewest records so far.
    """
    names, counts = np.unique(np.asarray(patients), return_counts=True)
    if folds < 2 or len(names) < folds:
        raise DatasetError(f"{len(names)} patients cannot be dealt into {folds} folds")
    group_of: dict[str, int] = {}
    sizes = [0] * folds
    for position in np.random.default_rng(seed).permutation(len(names)):
        group = sizes.index(min(sizes))
        group_of[str(names[position])] = group
        sizes[group] += int(counts[position])
    groups = np.array([group_of[patient] for patient in patients])
    return tuple(
        Fold(fit=np.flatnonzero(groups != group), held_out=np.flatnonzero(groups == group)) for group in range(folds)
    )
