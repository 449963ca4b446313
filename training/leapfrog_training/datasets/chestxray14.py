"""NIH ChestX-ray14 in its own layout: `Data_Entry_2017_v2020.csv`, `train_val_list.txt`, `test_list.txt`, `images/`.

Wang et al., "ChestX-ray8", CVPR 2017. Labels are text-mined: they hold for groups of films, not for each film.
Runs on the training machine only.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from leapfrog_training.datasets.images import picture_problem
from leapfrog_training.datasets.splits import Split, refuse_leak
from leapfrog_training.errors import DatasetError

ENTRY_FILE = "Data_Entry_2017_v2020.csv"
LIST_FILES: dict[Split, str] = {"train": "train_val_list.txt", "test": "test_list.txt"}
NO_FINDING = "No Finding"
LABELS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Effusion",
    "Emphysema",
    "Fibrosis",
    "Hernia",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pleural_Thickening",
    "Pneumonia",
    "Pneumothorax",
)
VIEWS = ("PA", "AP")
NEEDED_COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "View Position")


@dataclass(frozen=True)
class Film:
    """One frontal film. `labels` are names of `LABELS`; empty means "No Finding"."""

    path: Path
    patient: str
    labels: frozenset[str]
    view: str
    split: Split


@dataclass(frozen=True)
class ChestXray14:
    """The films that can be used, in the order of the lists, and a sentence for each one that cannot."""

    films: tuple[Film, ...]
    problems: tuple[str, ...]

    def in_split(self, split: Split) -> tuple[Film, ...]:
        """The films of one side, in the order of its list."""
        return tuple(film for film in self.films if film.split == split)


def open_chestxray14(root: Path) -> ChestXray14:
    """Check the layout of the data set at `root` and list its films.

    Raises DatasetError when a file or column of the layout is missing or a label is unknown, PatientLeak when a
    patient is in both lists. A listed film without an entry, and a picture that is missing or does not decode, is
    left out and named in `problems`.
    """
    entries = _read_entries(root / ENTRY_FILE)
    films: list[Film] = []
    problems: list[str] = []
    for split, list_file in LIST_FILES.items():
        for name in _read_list(root / list_file):
            entry = entries.get(name)
            if entry is None:
                problems.append(f"{name}: in {list_file} but not in {ENTRY_FILE}")
                continue
            path = root / "images" / name
            problem = picture_problem(path)
            if problem is not None:
                problems.append(problem)
                continue
            films.append(Film(path, entry["Patient ID"], _labels_of(entry), entry["View Position"], split))
    if not films:
        raise DatasetError(f"{root}: no film of the lists can be read; the first problem is: {problems[0]}")
    refuse_leak(
        (film.patient for film in films if film.split == "train"),
        (film.patient for film in films if film.split == "test"),
        "ChestX-ray14",
    )
    return ChestXray14(tuple(films), tuple(problems))


def _read_entries(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing: give the folder that holds ChestX-ray14 in its own layout")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        missing = [column for column in NEEDED_COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise DatasetError(f"{path} has no column {', '.join(missing)}")
        return {row["Image Index"]: row for row in rows}


def _read_list(path: Path) -> list[str]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing: the split is given by {' and '.join(LIST_FILES.values())}")
    names = path.read_text(encoding="utf-8").split()
    if not names:
        raise DatasetError(f"{path} is empty")
    if len(names) != len(set(names)):
        raise DatasetError(f"{path} names a film twice")
    return names


def _labels_of(entry: dict[str, str]) -> frozenset[str]:
    if entry["View Position"] not in VIEWS:
        raise DatasetError(f"{entry['Image Index']}: view {entry['View Position']!r} is not one of {', '.join(VIEWS)}")
    labels = frozenset(entry["Finding Labels"].split("|"))
    unknown = labels - {*LABELS, NO_FINDING}
    if unknown:
        raise DatasetError(f"{entry['Image Index']}: unknown finding {', '.join(sorted(unknown))}")
    if NO_FINDING in labels and len(labels) > 1:
        raise DatasetError(f"{entry['Image Index']}: {NO_FINDING!r} together with a finding")
    return labels - {NO_FINDING}
