"""HC18, fetal heads in ultrasound, in its published layout: `training_set/NNN_HC.png` with `NNN_HC_Annotation.png`.

`training_set_pixel_size_and_HC.csv` has pixel size and head circumference; `validation_subjects.txt`, one subject per
line, lists those to keep out of training. Van den Heuvel et al., PLoS ONE 2018, doi 10.1371/journal.pone.0200412.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog_training.datasets.images import cells, picture_problem, read_gray
from leapfrog_training.datasets.splits import DataSet, Split
from leapfrog_training.errors import DatasetError

IMAGE_FOLDER = "training_set"
TABLE_FILE = "training_set_pixel_size_and_HC.csv"
VALIDATION_FILE = "validation_subjects.txt"
NAME_COLUMN = "filename"
PIXEL_SIZE_COLUMN = "pixel size(mm)"
CIRCUMFERENCE_COLUMN = "head circumference (mm)"
SUBJECT_OF_NAME = re.compile(r"^(\d{3})_\d?HC\.png$")
OUTLINE_SHARE_OUTSIDE = 0.5  # the outer part of the drawn line, which does not belong to the head
OPEN_OUTLINE_SHARE = 0.02  # a closed outline has the same area filled by rows and by columns, an open one not


@dataclass(frozen=True)
class HeadImage:
    """One ultrasound picture of a fetal head. `patient` is the subject, who may have several pictures.

    `annotation_path` is a picture of the head's outline, an ellipse of 255 on 0.
    """

    path: Path
    annotation_path: Path
    patient: str
    split: Split
    pixel_size_mm: float
    head_circumference_mm: float


HC18 = DataSet[HeadImage]  # in the order of the table


def is_hc18(root: Path) -> bool:
    """Whether the folder has this data set's table."""
    return (root / TABLE_FILE).is_file()


def open_hc18(root: Path) -> HC18:
    """Check the layout of the data set at `root` and list its pictures.

    Raises DatasetError if a file or column is missing or a value is not a number. A picture that is missing or does not
    decode, or whose outline does not enclose a head, is left out and named in `problems`. Subjects cannot leak, since
    the subject decides the side.
    """
    validation_subjects = _read_subjects(root / VALIDATION_FILE)
    images: list[HeadImage] = []
    problems: list[str] = []
    for row in _read_table(root / TABLE_FILE):
        image = _image_of(row, root / IMAGE_FOLDER, validation_subjects)
        problem = picture_problem(image.path) or picture_problem(image.annotation_path) or _outline_problem(image)
        if problem is None:
            images.append(image)
        else:
            problems.append(problem)
    if not images:
        raise DatasetError(f"{root}: none of the pictures in {TABLE_FILE} can be read")
    return DataSet(tuple(images), tuple(problems))


def outline(image: HeadImage) -> NDArray[np.bool_]:
    """The drawn outline of the head, shape (rows, columns): True on the line, which is a few pixels wide."""
    return read_gray(image.annotation_path) >= 128


def filled_outline(line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The head including its drawn outline: the area up to the line's outer edge, in the shape of `line`.

    An ellipse is convex: a pixel is inside if it is between two points of the line both in its row and in its column.
    """
    return _between(line, axis=1) & _between(line, axis=0)


def head_mask(line: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.float32]:
    """The head as a soft mask for training (rows, columns), 0 to 1, up to the middle of its drawn outline.

    A cell on the line has the share of it that is head. The kiosk draws its contour where the mask crosses one half,
    which is then the middle of the line, not its outer edge.
    """
    return cells(filled_outline(line) - OUTLINE_SHARE_OUTSIDE * line, rows, columns)


def _between(line: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    before = np.logical_or.accumulate(line, axis=axis)
    after = np.flip(np.logical_or.accumulate(np.flip(line, axis), axis=axis), axis)
    return before & after


def _outline_problem(image: HeadImage) -> str | None:
    line = outline(image)
    with Image.open(image.path) as picture:
        columns, rows = picture.size
    if line.shape != (rows, columns):
        return f"{image.annotation_path.name}: {line.shape[1]}x{line.shape[0]} for a picture of {columns}x{rows}"
    by_row, by_column = _between(line, axis=1).sum(), _between(line, axis=0).sum()
    if not line.any() or abs(int(by_row) - int(by_column)) > OPEN_OUTLINE_SHARE * max(by_row, by_column):
        return f"{image.annotation_path.name}: the outline is not closed"
    return None


def _image_of(row: dict[str, str], folder: Path, validation_subjects: frozenset[str]) -> HeadImage:
    name = row[NAME_COLUMN]
    match = SUBJECT_OF_NAME.match(name)
    if match is None:
        raise DatasetError(f"{TABLE_FILE}: {name!r} is not named like 010_HC.png or 010_2HC.png")
    try:
        pixel_size_mm, head_circumference_mm = float(row[PIXEL_SIZE_COLUMN]), float(row[CIRCUMFERENCE_COLUMN])
    except ValueError as error:
        raise DatasetError(f"{TABLE_FILE}, {name}: {error}") from error
    return HeadImage(
        path=folder / name,
        annotation_path=folder / name.replace(".png", "_Annotation.png"),
        patient=match.group(1),
        split="test" if match.group(1) in validation_subjects else "train",
        pixel_size_mm=pixel_size_mm,
        head_circumference_mm=head_circumference_mm,
    )


def _read_table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing: give the folder that holds HC18 in its published layout")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        needed = (NAME_COLUMN, PIXEL_SIZE_COLUMN, CIRCUMFERENCE_COLUMN)
        missing = [column for column in needed if column not in (rows.fieldnames or ())]
        if missing:
            raise DatasetError(f"{path} has no column {', '.join(missing)}")
        return list(rows)


def _read_subjects(path: Path) -> frozenset[str]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing: it must list the subjects to keep out of training, one per line")
    return frozenset(path.read_text(encoding="utf-8").split())
