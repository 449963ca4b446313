"""How children's films are shown to see whether a network looks at the lungs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from leapfrog.packages.finding_rules import Calibration
from leapfrog.packages.manifest import Manifest
from leapfrog_training.child.manifest import child_manifest, child_rule
from leapfrog_training.datasets.children_kermany import ChildFilm
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.controls import Gray, border_alone, histogram, lungs_in, lungs_masked, with_grays
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.films.reading import changed, plain

LUNGS_MASKED = "lungs masked"
BORDER_ALONE = "the border alone"
OTHER_GRAYS = "given the grays of the other kind"
OTHER_FRAME = "lungs in a frame of the other kind"
PARTNER_SEED = 0

Shown = Callable[[Sequence[ChildFilm]], Iterator[Gray]]


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
