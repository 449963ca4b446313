"""Reads children's films as the kiosk does, plain and changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from leapfrog.packages.manifest import Calibration, Manifest
from leapfrog.reader.assess.classification import classify
from leapfrog_training.child.manifest import child_manifest, child_rule
from leapfrog_training.datasets.children_kermany import ChildFilm
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.classification import Readings
from leapfrog_training.evaluate.controls import Gray, border_alone, histogram, lungs_in, lungs_masked, with_grays
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.progress import shown_progress

LUNGS_MASKED = "lungs masked"
BORDER_ALONE = "the border alone"
OTHER_GRAYS = "given the grays of the other kind"
OTHER_FRAME = "lungs in a frame of the other kind"
PARTNER_SEED = 0

Shown = Callable[[Sequence[ChildFilm]], Iterator[Gray]]


def plain(films: Sequence[ChildFilm]) -> Iterator[Gray]:
    """The films as they are."""
    return (read_gray(film.path) for film in films)


def changed(change: Callable[[Gray], Gray], films: Sequence[ChildFilm]) -> Iterator[Gray]:
    """The films, each changed alike."""
    return map(change, plain(films))


def controls(fitted: Sequence[ChildFilm]) -> Mapping[str, Shown]:
    """How films are shown in each control. "The other kind" is a sick child's for a healthy child's film and the
    reverse; its grays are the mean histogram of the `fitted` films.
    """
    grays = {ill: np.mean([histogram(film) for film in plain(_of_kind(fitted, ill))], axis=0) for ill in (False, True)}

    def other_grays(films: Sequence[ChildFilm]) -> Iterator[Gray]:
        return (with_grays(read_gray(film.path), grays[not film.has_pneumonia]) for film in films)

    return {
        LUNGS_MASKED: partial(changed, lungs_masked),
        BORDER_ALONE: partial(changed, border_alone),
        OTHER_GRAYS: other_grays,
        OTHER_FRAME: _in_other_frame,
    }


def read(model: KioskModel, manifest: Manifest, films: Iterable[Gray], count: int) -> Readings:
    """What a kiosk with this package reports for each of `count` films."""
    findings = []
    with shown_progress("reading films", count) as advance:
        for film in films:
            findings.append(classify(manifest, model.run(film)).findings[0])
            advance(1)
    return Readings(
        np.array([[finding.score] for finding in findings]), np.array([[finding.flagged] for finding in findings])
    )


def raw_scores(model: KioskModel, films: Sequence[ChildFilm]) -> NDArray[np.float32]:
    """The uncalibrated scores (films,) of the films as they are."""
    return np.array([model.run(film)[0][0, 0] for film in plain(films)], dtype=np.float32)


def manifest_for(model: KioskModel, calibration: Calibration, threshold: float) -> Manifest:
    """A manifest to read films with."""
    return child_manifest("0", model, child_rule(calibration, threshold, urgent=False), shown_to_look_at_lungs=False)


def _in_other_frame(films: Sequence[ChildFilm]) -> Iterator[Gray]:
    random = np.random.default_rng(PARTNER_SEED)
    of_kind = {ill: _of_kind(films, ill) for ill in (False, True)}
    for film in films:
        others = of_kind[not film.has_pneumonia]
        yield lungs_in(read_gray(film.path), read_gray(others[random.integers(len(others))].path))


def _of_kind(films: Sequence[ChildFilm], ill: bool) -> list[ChildFilm]:
    return [film for film in films if film.has_pneumonia == ill]
