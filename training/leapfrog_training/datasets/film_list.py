"""Reads the lists of data sets that are a `labels.csv` with a row for each film, and a folder `images/`."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from leapfrog_training.datasets.images import picture_problems
from leapfrog_training.errors import DatasetError

LABEL_FILE = "labels.csv"
IMAGE_FOLDER = "images"
IMAGE_COLUMN = "image"  # the film's file in `images/`

Row = dict[str, str]


def listed_films(
    root: Path, columns: Sequence[str], row_problem: Callable[[Row], str | None]
) -> tuple[list[tuple[Path, Row]], list[str]]:
    """The films of the list at `root` with their rows, in its order, and a sentence for each that cannot be used:
    `row_problem` says what is wrong with a row, or its picture is missing or does not decode.

    Raises DatasetError if the list or one of its `columns` is missing, if it names a film twice, or if no film is left.
    """
    rows, folder = _rows(root / LABEL_FILE, columns), root / IMAGE_FOLDER
    wrong = {row[IMAGE_COLUMN]: _name_problem(row[IMAGE_COLUMN]) or row_problem(row) for row in rows}
    damaged = picture_problems([folder / name for name, problem in wrong.items() if problem is None])
    films: list[tuple[Path, Row]] = []
    problems: list[str] = []
    for row in rows:
        path = folder / row[IMAGE_COLUMN]
        problem = wrong[row[IMAGE_COLUMN]] or damaged.get(path)
        if problem is None:
            films.append((path, row))
        else:
            problems.append(problem)
    if not films:
        raise DatasetError(f"{root}: none of the listed films can be read. The first problem is: {problems[0]}")
    return films, problems


def _rows(path: Path, columns: Sequence[str]) -> list[Row]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing: give the folder that holds the films with their list")
    with path.open(newline="", encoding="utf-8-sig") as stream:
        listed = csv.DictReader(stream, restval="")
        missing = [column for column in (IMAGE_COLUMN, *columns) if column not in (listed.fieldnames or ())]
        if missing:
            raise DatasetError(f"{path} has no column {', '.join(missing)}")
        rows = list(listed)
    if not rows:
        raise DatasetError(f"{path} lists no film")
    names = [row[IMAGE_COLUMN] for row in rows]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DatasetError(f"{path} names {twice} twice")
    return rows


def _name_problem(name: str) -> str | None:
    return f"{name!r}: not the plain name of a file" if Path(name).name != name or not name else None
