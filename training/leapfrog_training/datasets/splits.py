"""A data set's records, split so that each patient is on one side only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from leapfrog.wording.text import count
from leapfrog_training.errors import DatasetError, PatientLeak

Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = ("train", "test")


class Record(Protocol):
    """One picture of a data set."""

    @property
    def patient(self) -> str:
        """The patient whose picture it is."""
        ...

    @property
    def split(self) -> Split:
        """The patient's side: "train", or "test" for patients kept out of training."""
        ...


AnyRecord = TypeVar("AnyRecord", bound=Record)


@dataclass(frozen=True)
class DataSet(Generic[AnyRecord]):
    """The usable records, in the order of the data set, and a sentence for each one that cannot be used."""

    records: tuple[AnyRecord, ...]
    problems: tuple[str, ...]

    def in_split(self, split: Split) -> tuple[AnyRecord, ...]:
        """The records of one side."""
        return tuple(record for record in self.records if record.split == split)


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation: positions of the records to fit on and of those held out."""

    fit: NDArray[np.intp]
    held_out: NDArray[np.intp]


def refuse_leak(data: DataSet[AnyRecord], name: str) -> None:
    """Raise PatientLeak if patients of the data set `name` are on both sides; the error names a few of them."""
    train, test = ({record.patient for record in data.in_split(split)} for split in SPLITS)
    if shared := sorted(train & test):
        some = ", ".join(shared[:5])
        raise PatientLeak(
            f"{name}: training and test share {count(len(shared), 'patient')} ({some}): "
            "give lists in which no patient occurs twice"
        )


def patient_folds(patients: Sequence[str], folds: int, seed: int) -> tuple[Fold, ...]:
    """Divide the patients into `folds` groups with about equal numbers of records. Each fold holds out one group.

    The patients are shuffled with `seed`; then each goes to the group with the fewest records so far.
    """
    names, counts = np.unique(np.asarray(patients), return_counts=True)
    if folds < 2 or len(names) < folds:
        raise DatasetError(f"{count(len(names), 'patient')} cannot be divided into {folds} folds")
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
