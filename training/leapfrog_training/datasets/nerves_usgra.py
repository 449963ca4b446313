"""Nerves for regional anaesthesia (Kandaouroff, usgra-seg): `groups.csv`, `images/` and `masks/`.

`groups.csv` has a row for each picture: `image` (its file in both folders), `group` (near copies of one picture share
it) and `split` (train or validation). Masks are 0, 1 where a nerve was drawn, and 2 where a vessel was. The set has no
patient numbers and no pixel sizes, and each of its pictures shows a nerve.
"""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.datasets.images import picture_problem, read_gray
from leapfrog_training.datasets.nerve_picture import NERVE, VESSEL, NervePicture, Source
from leapfrog_training.datasets.splits import DataSet, Split, refuse_leak
from leapfrog_training.errors import DatasetError

LIST_FILE = "groups.csv"
IMAGE_FOLDER, MASK_FOLDER = "images", "masks"
NEEDED_COLUMNS = ("image", "group", "split")
SPLIT_NAMES: dict[str, Split] = {"train": "train", "validation": "test"}


def is_usgra(root: Path) -> bool:
    """Whether the folder has this data set's list of pictures."""
    return (root / LIST_FILE).is_file()


def open_usgra(root: Path) -> DataSet[NervePicture]:
    """Check the layout of the data set at `root` and list its pictures, in the order of the list.

    Raises DatasetError if the list or one of its columns is missing, or if no picture can be read; PatientLeak if a
    group is on both sides. A picture is left out and named in `problems` if its split or group is not one, if it or its
    mask is missing or does not decode, or if the mask has another size or other values than 0, 1 and 2.
    """
    pictures: list[NervePicture] = []
    problems: list[str] = []
    for row in _rows(root / LIST_FILE):
        problem, has_nerve = _checked(root, row)
        if problem is not None:
            problems.append(problem)
            continue
        pictures.append(
            NervePicture(
                path=root / IMAGE_FOLDER / row["image"],
                mask_path=root / MASK_FOLDER / row["image"],
                patient=row["group"],
                split=SPLIT_NAMES[row["split"]],
                source=Source.USGRA,
                has_nerve=has_nerve,
            )
        )
    if not pictures:
        raise DatasetError(f"{root}: none of the pictures in {LIST_FILE} can be read")
    data = DataSet(tuple(pictures), tuple(problems))
    refuse_leak(data, "The nerve set")
    return data


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing: give the folder of the nerve set that contains it")
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream)
        missing = [column for column in NEEDED_COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise DatasetError(f"{path} has no column {', '.join(missing)}")
        return list(rows)


def _checked(root: Path, row: dict[str, str]) -> tuple[str | None, bool]:
    """What is wrong with a picture, if anything, and whether its mask shows a nerve."""
    name = row["image"]
    if row["split"] not in SPLIT_NAMES:
        return f"{name}: split {row['split']!r} is not one of {', '.join(SPLIT_NAMES)}", False
    if not row["group"]:
        return f"{name}: has no group", False
    path, mask_path = root / IMAGE_FOLDER / name, root / MASK_FOLDER / name
    damaged, damaged_mask = picture_problem(path), picture_problem(mask_path)
    if damaged is not None or damaged_mask is not None:
        return damaged or f"mask {damaged_mask}", False
    mask = read_gray(mask_path)
    return _mask_problem(name, mask, read_gray(path).shape), bool((mask == NERVE).any())


def _mask_problem(name: str, mask: NDArray[np.uint8], shape: tuple[int, ...]) -> str | None:
    if mask.shape != shape:
        return f"{name}: its mask has {mask.shape[1]}x{mask.shape[0]} pixels, not {shape[1]}x{shape[0]}"
    if not np.isin(mask, (0, NERVE, VESSEL)).all():
        return f"{name}: its mask has values other than 0, {NERVE} and {VESSEL}"
    return None
