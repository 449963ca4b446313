"""Splits by patient."""

import numpy as np
import pytest

from leapfrog_training.datasets.splits import patient_folds
from leapfrog_training.errors import DatasetError

PATIENTS = [f"{number % 17}" for number in range(60)]


def test_no_patient_is_on_both_sides_of_a_fold_and_each_record_is_held_out_once() -> None:
    folds = patient_folds(PATIENTS, 5, seed=3)
    for fold in folds:
        assert not {PATIENTS[k] for k in fold.fit} & {PATIENTS[k] for k in fold.held_out}
        assert len(fold.fit) + len(fold.held_out) == len(PATIENTS)
    assert sorted(np.concatenate([fold.held_out for fold in folds])) == list(range(len(PATIENTS)))


def test_folds_hold_about_equally_many_records() -> None:
    sizes = [len(fold.held_out) for fold in patient_folds(PATIENTS, 5, seed=3)]
    assert max(sizes) - min(sizes) <= 4


def test_the_same_seed_deals_the_same_folds() -> None:
    first, second = (patient_folds(PATIENTS, 3, seed=1) for _ in range(2))
    assert all(np.array_equal(a.held_out, b.held_out) for a, b in zip(first, second, strict=True))


def test_more_folds_than_patients_are_refused() -> None:
    with pytest.raises(DatasetError, match="2 patients cannot be divided into 3 folds"):
        patient_folds(["a", "b", "b"], 3, seed=0)
