"""Reads films as the kiosk does, as they are and changed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from leapfrog.packages.manifest import InputField, Manifest
from leapfrog.reader.assess.classification import classify
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.classification import Readings
from leapfrog_training.evaluate.controls import Gray
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.progress import shown_progress

FIELD: InputField = "exposed"  # what the models for films are shown


class OnDisk(Protocol):
    """A film of a data set."""

    @property
    def path(self) -> Path:
        """Its picture."""
        ...


def plain(films: Sequence[OnDisk]) -> Iterator[Gray]:
    """The films as they are."""
    return (read_gray(film.path) for film in films)


def changed(change: Callable[[Gray], Gray], films: Sequence[OnDisk]) -> Iterator[Gray]:
    """The films, each changed alike."""
    return map(change, plain(films))


def raw_scores(model: KioskModel, films: Sequence[OnDisk]) -> NDArray[np.float32]:
    """The uncalibrated scores (films, columns) of the films as they are."""
    scores = model.output_of_rank(2)
    with shown_progress("reading films", len(films)) as advance:
        rows = []
        for film in plain(films):
            rows.append(model.run(film, FIELD)[scores][0])
            advance(1)
    return np.array(rows, dtype=np.float32)


def read(model: KioskModel, manifest: Manifest, films: Iterable[Gray], count: int) -> Readings:
    """What a kiosk with this package reports for each of `count` films."""
    read_films = []
    with shown_progress("reading films", count) as advance:
        for film in films:
            read_films.append(classify(manifest, model.run(film, manifest.input.field)))
            advance(1)
    return Readings.of([rule.name for rule in manifest.finding], read_films)
