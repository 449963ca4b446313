"""NIH ChestX-ray14 in its published layout: `Data_Entry_2017*.csv`, `train_val_list.txt`, `test_list.txt`, `images*/`.

The films are in `images/` or, as published, in `images_001/images/` to `images_012/images/`. `BBox_List_2017.csv`, if
it is there, has radiologists' boxes around findings on some films. Wang et al., "ChestX-ray8", CVPR 2017. Labels are
text-mined: they are right on average, but not for every film. `rsna_reading.csv`, if it is there, names films that
radiologists read as normal for the RSNA Pneumonia Detection Challenge (Shih et al., Radiology: AI 2019).
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from leapfrog_training.datasets.images import picture_problems
from leapfrog_training.datasets.splits import DataSet, Split, refuse_leak
from leapfrog_training.errors import DatasetError

ENTRY_FILES = "Data_Entry_2017*.csv"  # the last one is used: the release of 2020, with corrected patient ages
IMAGE_FOLDERS = ("images", "images_0*/images")
BOX_FILE = "BBox_List_2017.csv"
READING_FILE = "rsna_reading.csv"
READ_NORMAL = "Normal"
BOX_SIDE = 1024  # side of the published films in pixels, the unit of the boxes
BOX_LABELS = {"Infiltrate": "Infiltration"}  # the box list's names for labels
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
AGE_COLUMN = "Patient Age"  # in the release of 2020 in years; the older one has 058Y, and wrong ages


@dataclass(frozen=True)
class BoundingBox:
    """A radiologist's box around a finding, as fractions of the film's width and height."""

    label: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Film:
    """One frontal film. `labels` are names of `LABELS`, as mined from its report; empty means "No Finding".

    `age_years` is None where it is not given. `read_normal`: radiologists read it as normal, whatever its labels are.
    """

    path: Path
    patient: str
    labels: frozenset[str]
    view: str
    split: Split
    boxes: tuple[BoundingBox, ...] = ()
    age_years: int | None = None
    read_normal: bool = False


ChestXray14 = DataSet[Film]  # in the order of the lists


def open_chestxray14(root: Path) -> ChestXray14:
    """Check the layout of the data set at `root` and list its films.

    Raises DatasetError if a file or column is missing, PatientLeak if a patient is in both lists. A listed film is left
    out and named in `problems` if it has no entry or an unknown label or view, or if its picture is missing or does not
    decode. So is a box that cannot be read.
    """
    entry_file, entries = _read_entries(root)
    boxes, problems = _read_boxes(root / BOX_FILE)
    read_normal = _read_normal(root / READING_FILE)
    pictures = {path.name: path for path in _picture_paths(root)}
    films: list[Film] = []
    listed = {split: _read_list(root / list_file) for split, list_file in LIST_FILES.items()}
    paths = {name: pictures.get(name, root / "images" / name) for names in listed.values() for name in names}
    damaged = picture_problems([path for name, path in paths.items() if name in entries])
    for split, list_file in LIST_FILES.items():
        for name in listed[split]:
            entry = entries.get(name)
            if entry is None:
                problems.append(f"{name}: in {list_file} but not in {entry_file}")
                continue
            path = paths[name]
            problem = _entry_problem(entry) or damaged.get(path)
            if problem is not None:
                problems.append(problem)
                continue
            films.append(
                Film(
                    path,
                    entry["Patient ID"],
                    _labels_of(entry),
                    entry["View Position"],
                    split,
                    tuple(boxes.get(name, ())),
                    _age(entry),
                    name in read_normal,
                )
            )
    if not films:
        raise DatasetError(f"{root}: none of the listed films can be read. The first problem is: {problems[0]}")
    data = DataSet(tuple(films), tuple(problems))
    refuse_leak(data, "ChestX-ray14")
    return data


def _picture_paths(root: Path) -> Iterator[Path]:
    for pattern in IMAGE_FOLDERS:
        for folder in sorted(root.glob(pattern)):
            yield from folder.glob("*.png")


def _read_entries(root: Path) -> tuple[str, dict[str, dict[str, str]]]:
    files = sorted(root.glob(ENTRY_FILES))
    if not files:
        raise DatasetError(
            f"{root / ENTRY_FILES} is missing: give the folder that holds ChestX-ray14 in its published layout"
        )
    path = files[-1]
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream)
        missing = [column for column in NEEDED_COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise DatasetError(f"{path} has no column {', '.join(missing)}")
        return path.name, {row["Image Index"]: row for row in rows}


def _read_boxes(path: Path) -> tuple[dict[str, list[BoundingBox]], list[str]]:
    """The boxes by film, and a sentence for each row that cannot be read. The file is optional."""
    boxes: dict[str, list[BoundingBox]] = {}
    problems: list[str] = []
    if not path.is_file():
        return boxes, problems
    with path.open(newline="", encoding="utf-8-sig") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            if number == 1 or not row:
                continue  # the header, which names only the first two columns
            try:
                label = BOX_LABELS.get(row[1], row[1])
                box = BoundingBox(label, *(float(value) / BOX_SIDE for value in row[2:6]))
            except (IndexError, ValueError, TypeError):
                problems.append(f"{path.name}, line {number}: expected a film, a finding and four numbers")
                continue
            if box.label not in LABELS:
                problems.append(f"{path.name}, line {number}: {_unknown([box.label])}")
                continue
            boxes.setdefault(row[0], []).append(box)
    return boxes, problems


def _read_normal(path: Path) -> frozenset[str]:
    """The films that radiologists read as normal. The file is optional."""
    if not path.is_file():
        return frozenset()
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return frozenset(row[0] for row in csv.reader(stream) if len(row) > 1 and row[1] == READ_NORMAL)


def _age(entry: dict[str, str]) -> int | None:
    years = entry.get(AGE_COLUMN, "").rstrip("Y")
    return int(years) if years.isdecimal() else None


def _entry_problem(entry: dict[str, str]) -> str | None:
    name, view = entry["Image Index"], entry["View Position"]
    if view not in VIEWS:
        return f"{name}: view {view!r} is not one of {', '.join(VIEWS)}"
    labels = set(entry["Finding Labels"].split("|"))
    if unknown := sorted(labels - {*LABELS, NO_FINDING}):
        return f"{name}: {_unknown(unknown)}"
    if NO_FINDING in labels and len(labels) > 1:
        return f"{name}: {NO_FINDING!r} together with a finding"
    return None


def _unknown(labels: list[str]) -> str:
    near = [match for label in labels for match in get_close_matches(label, LABELS, n=1)]
    return f"unknown finding {', '.join(labels)}" + (f" (perhaps {', '.join(near)})" if near else "")


def _labels_of(entry: dict[str, str]) -> frozenset[str]:
    return frozenset(entry["Finding Labels"].split("|")) - {NO_FINDING}


def _read_list(path: Path) -> list[str]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing: the split is given by {' and '.join(LIST_FILES.values())}")
    names = path.read_text(encoding="utf-8").split()
    if not names:
        raise DatasetError(f"{path} is empty")
    if len(names) != len(set(names)):
        raise DatasetError(f"{path} names a film twice")
    return names
