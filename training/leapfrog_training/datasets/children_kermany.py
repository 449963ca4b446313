"""Chest films of children of one to five years (Kermany et al., Cell 2018): `labels.csv` and `images/`.

`labels.csv` has a row for each film: `image` (its file in `images/`), `label` (normal, bacteria or virus: the kind of
pneumonia that the hospital found), `patient_group` (films that may show one child) and `split` (train or validation).
The set's own split is not used: its test films were chosen by another rule than its training films.
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from leapfrog_training.datasets.images import picture_problems
from leapfrog_training.datasets.splits import DataSet, Split, refuse_leak
from leapfrog_training.errors import DatasetError

LABEL_FILE = "labels.csv"
IMAGE_FOLDER = "images"
NEEDED_COLUMNS = ("image", "label", "patient_group", "split")
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
    rows = _read_rows(root / LABEL_FILE)
    folder = root / IMAGE_FOLDER
    damaged = picture_problems([folder / row["image"] for row in rows if _row_problem(row) is None])
    films: list[ChildFilm] = []
    problems: list[str] = []
    for row in rows:
        path = folder / row["image"]
        problem = _row_problem(row) or damaged.get(path)
        if problem is not None:
            problems.append(problem)
            continue
        films.append(ChildFilm(path, row["patient_group"], Diagnosis(row["label"]), SPLIT_NAMES[row["split"]]))
    if not films:
        raise DatasetError(f"{root}: none of the listed films can be read. The first problem is: {problems[0]}")
    data = DataSet(tuple(films), tuple(problems))
    refuse_leak(data, "The children's set")
    return data


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing: give the folder that holds the children's films with their list")
    with path.open(newline="", encoding="utf-8-sig") as stream:
        listed = csv.DictReader(stream, restval="")
        missing = [column for column in NEEDED_COLUMNS if column not in (listed.fieldnames or ())]
        if missing:
            raise DatasetError(f"{path} has no column {', '.join(missing)}")
        rows = list(listed)
    if not rows:
        raise DatasetError(f"{path} lists no film")
    names = [row["image"] for row in rows]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DatasetError(f"{path} names {twice} twice")
    return rows


def _row_problem(row: dict[str, str]) -> str | None:
    name = row["image"]
    if Path(name).name != name or not name:
        return f"{name!r}: not the plain name of a file"
    if row["label"] not in set(Diagnosis):
        return f"{name}: label {row['label']!r} is not one of {', '.join(Diagnosis)}"
    if row["split"] not in SPLIT_NAMES:
        return f"{name}: split {row['split']!r} is not one of {', '.join(SPLIT_NAMES)}"
    if not row["patient_group"]:
        return f"{name}: has no patient group"
    return None
