"""Adults' frontal films of NIH that radiologists read as normal: `labels.csv` and `images/`.

They came by another route than ChestX-ray14's own films: RSNA Pneumonia Detection Challenge (Shih et al., Radiology: AI
2019), as collected in the COVID-19 Radiography Database (Chowdhury et al., IEEE Access 2020). `labels.csv` has a row
for each film: `image` (its file in `images/`), `label`, and `split` (train or validation). They have no patient
numbers, and the set does not say which view a film is.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from leapfrog_training.datasets.film_list import LABEL_FILE, Row, listed_films
from leapfrog_training.datasets.splits import DataSet, Split

NEEDED_COLUMNS = ("label", "split")
NORMAL = "Normal (RSNA radiologists)"
SPLIT_NAMES: dict[str, Split] = {"train": "train", "validation": "test"}


@dataclass(frozen=True)
class NormalFilm:
    """One frontal film that radiologists read as normal. Each counts as a patient of its own."""

    path: Path
    split: Split

    @property
    def patient(self) -> str:
        """The film's own name: the set has no patient numbers."""
        return self.path.name


AdultsRsnaNormal = DataSet[NormalFilm]  # in the order of the list


def is_rsna_normal(root: Path) -> bool:
    """Whether the folder has this data set's list of films."""
    try:
        with (root / LABEL_FILE).open(newline="", encoding="utf-8-sig") as stream:
            return any(row.get("label") == NORMAL for row in csv.DictReader(stream))
    except OSError:
        return False


def open_rsna_normal(root: Path) -> AdultsRsnaNormal:
    """Check the layout of the data set at `root` and list its films.

    Raises DatasetError if the list or one of its columns is missing, or if no film can be read. A listed film is left
    out and named in `problems` if its label or split is not one, or if its picture is missing or does not decode.
    """
    listed, problems = listed_films(root, NEEDED_COLUMNS, _row_problem)
    return DataSet(tuple(NormalFilm(path, SPLIT_NAMES[row["split"]]) for path, row in listed), tuple(problems))


def _row_problem(row: Row) -> str | None:
    name = row["image"]
    if row["label"] != NORMAL:
        return f"{name}: label {row['label']!r} is not {NORMAL}"
    if row["split"] not in SPLIT_NAMES:
        return f"{name}: split {row['split']!r} is not one of {', '.join(SPLIT_NAMES)}"
    return None
