"""Chest films of children of one to five years (Kermany et al., Cell 2018): `labels.csv` and `images/`.

`labels.csv` has a row for each film: `image` (its file in `images/`), `label` (normal, bacteria or virus: the kind of
pneumonia that the hospital found), `patient_group` (films that may show one child) and `split` (train or validation).
The set's own split is not used: its test films were chosen by another rule than its training films.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from leapfrog_training.datasets.film_list import Row, listed_films
from leapfrog_training.datasets.splits import DataSet, Split, refuse_leak

NEEDED_COLUMNS = ("label", "patient_group", "split")
SPLIT_NAMES: dict[str, Split] = {"train": "train", "validation": "test"}


class Diagnosis(StrEnum):
    """What the hospital found, as the set calls it."""

    NORMAL = "normal"
    BACTERIAL = "bacteria"
    VIRAL = "virus"


@dataclass(frozen=True)
class ChildFilm:
    """One frontal film of a child. `patient` is the set's patient group."""

    path: Path
    patient: str
    diagnosis: Diagnosis
    split: Split

    @property
    def has_pneumonia(self) -> bool:
        """Whether the hospital found a pneumonia, bacterial or viral."""
        return self.diagnosis is not Diagnosis.NORMAL


ChildrenKermany = DataSet[ChildFilm]  # in the order of the list


def open_children(root: Path) -> ChildrenKermany:
    """Check the layout of the data set at `root` and list its films.

    Raises DatasetError if the list or one of its columns is missing, if it names a film twice, or if no film can be
    read; PatientLeak if a patient group is on both sides. A listed film is left out and named in `problems` if its
    label, split or group is not one, or if its picture is missing or does not decode.
    """
    listed, problems = listed_films(root, NEEDED_COLUMNS, _row_problem)
    films = tuple(
        ChildFilm(path, row["patient_group"], Diagnosis(row["label"]), SPLIT_NAMES[row["split"]])
        for path, row in listed
    )
    data = DataSet(films, tuple(problems))
    refuse_leak(data, "The children's set")
    return data


def _row_problem(row: Row) -> str | None:
    name = row["image"]
    if row["label"] not in set(Diagnosis):
        return f"{name}: label {row['label']!r} is not one of {', '.join(Diagnosis)}"
    if row["split"] not in SPLIT_NAMES:
        return f"{name}: split {row['split']!r} is not one of {', '.join(SPLIT_NAMES)}"
    if not row["patient_group"]:
        return f"{name}: has no patient group"
    return None
