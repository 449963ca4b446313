"""A data set's records, split so that every patient stays on one side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.errors import DatasetError, PatientLeak

Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = ("train", "test")


class Record(Protocol):
    """One picture of a data set."""

    @property
    def patient(self) -> str:
        """Whose picture it is."""
        ...

    @property
    def split(self) -> Split:
        """The side that the patient is on: "train", or "test" for those who are kept out of training."""
        ...


AnyRecord = TypeVar("AnyRecord", bound=Record)


@dataclass(frozen=True)
class DataSet(Generic[AnyRecord]):
    """The records that can be used, in the order of the data set, and a sentence for each one that cannot."""

    records: tuple[AnyRecord, ...]
    problems: tuple[str, ...]

    def in_split(self, split: Split) -> tuple[AnyRecord, ...]:
        """The records of one side."""
        return tuple(record for record in self.records if record.split == split)


@dataclass(frozen=True)
class Fold:
    """One turn of a cross-validation: positions of the records to fit on and of those held out."""

    fit: NDArray[np.intp]
    held_out: NDArray[np.intp]


def refuse_leak(data: DataSet[AnyRecord], name: str) -> None:
    """Raise PatientLeak, naming a few, when a patient of the data set `name` is on both sides."""
    train, test = ({record.patient for record in data.in_split(split)} for split in SPLITS)
    if shared := sorted(train & test):
        some = ", ".join(shared[:5])
        raise PatientLeak(
            f"{name}: {len(shared)} patients are both in training and in test ({some}): "
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
