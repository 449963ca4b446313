"""The films that chest-findings is made from: adults', of two sources, with their views and corrected labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leapfrog.errors import UsageError
from leapfrog_training.chest.labels import CHEST_LABELS
from leapfrog_training.datasets.adults_rsna_normal import NORMAL, is_rsna_normal, open_rsna_normal
from leapfrog_training.datasets.chestxray14 import BoundingBox, open_chestxray14
from leapfrog_training.datasets.film_list import LABEL_FILE
from leapfrog_training.datasets.splits import DataSet, Fold, Split, patient_folds

YOUNGEST_YEARS = 15
VIEWS = ("PA", "AP")
FEWEST_TRAINING_POSITIVES = 20
FEWEST_VALIDATION_POSITIVES = 10
FOLD_SEED = 0
ABNORMAL_LABEL = "Pneumonia"  # stands for "abnormal": nearly every abnormal film of the set has it


class Source(StrEnum):
    """Where a film came from, by which route."""

    CHESTXRAY14 = "ChestX-ray14"
    RSNA_NORMAL = "RSNA-normal"


@dataclass(frozen=True)
class AdultFilm:
    """One frontal film. `labels` are those of ChestX-ray14, without those of films that radiologists read as normal.

    `view` is PA or AP; empty where the set does not say it, until a detector does.
    """

    path: Path
    patient: str
    source: Source
    labels: frozenset[str]
    view: str
    split: Split
    boxes: tuple[BoundingBox, ...] = ()


Adults = DataSet[AdultFilm]


def open_adults(folders: Sequence[Path]) -> Adults:
    """The films of both sources. A film of somebody younger than YOUNGEST_YEARS is left out and named in `problems`.

    Raises UsageError unless one of the folders is that of the RSNA-normal films and the other ChestX-ray14's;
    DatasetError and PatientLeak as their loaders do.
    """
    normal = [folder for folder in folders if is_rsna_normal(folder)]
    others = [folder for folder in folders if folder not in normal]
    if len(normal) != 1 or len(others) != 1:
        raise UsageError(
            "chest-findings is made from two sources: give the folder of ChestX-ray14 and that of the adults' films "
            "that radiologists read as normal, each with --data. The second, which ChestX-ray14 does not come with, is "
            f"{LABEL_FILE} with the columns image, label ({NORMAL!r}) and split, beside the films in images/"
        )
    mined, read_normal = open_chestxray14(others[0]), open_rsna_normal(normal[0])
    films, problems = [], [*mined.problems, *read_normal.problems]
    for film in mined.records:
        if film.age_years is not None and film.age_years < YOUNGEST_YEARS:
            problems.append(f"{film.path.name}: too young, {film.age_years} years")
            continue
        labels = frozenset() if film.read_normal else film.labels
        boxes = () if film.read_normal else film.boxes
        films.append(AdultFilm(film.path, film.patient, Source.CHESTXRAY14, labels, film.view, film.split, boxes))
    films += [
        AdultFilm(film.path, film.patient, Source.RSNA_NORMAL, frozenset(), "", film.split)
        for film in read_normal.records
    ]
    return DataSet(tuple(films), tuple(problems))


def with_views(films: Sequence[AdultFilm], told: Mapping[str, str]) -> tuple[AdultFilm, ...]:
    """The films, those without a view with the one that is `told` for their file's name."""
    return tuple(film if film.view else replace(film, view=told[film.path.name]) for film in films)


def truth(films: Sequence[AdultFilm], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which film has which label, shape (films, labels)."""
    return np.array([[label in film.labels for label in labels] for film in films], dtype=np.bool_)


def abnormal(films: Sequence[AdultFilm]) -> NDArray[np.bool_]:
    """Which films have any label at all, shape (films,)."""
    return np.array([bool(film.labels) for film in films], dtype=np.bool_)


def normal_of(films: Sequence[AdultFilm], source: Source) -> NDArray[np.bool_]:
    """Which films are normal ones of that source, shape (films,)."""
    return np.array([not film.labels and film.source is source for film in films], dtype=np.bool_)


def of_view(films: Sequence[AdultFilm], view: str) -> NDArray[np.bool_]:
    """Which films are of that view, shape (films,)."""
    return np.array([film.view == view for film in films], dtype=np.bool_)


def with_boxes(films: Sequence[AdultFilm]) -> list[int]:
    """The positions of the films with a box for ABNORMAL_LABEL."""
    return [index for index, film in enumerate(films) if any(box.label == ABNORMAL_LABEL for box in film.boxes)]


def covered_findings(data: Adults) -> tuple[str, ...]:
    """The findings with a code and with enough films on both sides to train and to measure, in the labels' order.

    Raises UsageError if there are none.
    """

    def films_with(label: str, split: Split) -> int:
        return sum(label in film.labels for film in data.in_split(split))

    covered = tuple(
        entry.label
        for entry in CHEST_LABELS
        if entry.code is not None
        and films_with(entry.label, "train") >= FEWEST_TRAINING_POSITIVES
        and films_with(entry.label, "test") >= FEWEST_VALIDATION_POSITIVES
    )
    if not covered:
        raise UsageError("no finding has enough films on both sides of the split to be trained and measured")
    return covered


def for_abnormal(findings: Sequence[str]) -> int:
    """Which of the findings stands for "abnormal"; the first one if ABNORMAL_LABEL is not among them."""
    return findings.index(ABNORMAL_LABEL) if ABNORMAL_LABEL in findings else 0


def folds_of(films: Sequence[AdultFilm], folds: int) -> tuple[Fold, ...]:
    """The cross-validation over the training patients, the same in every step of a run."""
    return patient_folds([film.patient for film in films], folds, FOLD_SEED)
