"""How adults' films are shown to see whether a network looks at the lungs: masked, the border alone, other grays."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.chest.films import VIEWS, AdultFilm, abnormal, of_view
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.controls import Gray, Histogram, border_alone, histogram, lungs_masked, with_grays
from leapfrog_training.films.reading import changed

LUNGS_MASKED = "lungs masked"
BORDER_ALONE = "the border alone"
SICK_GRAYS = "given the grays of abnormal films"

Shown = Callable[[Sequence[AdultFilm]], Iterator[Gray]]


def controls(fitted: Sequence[AdultFilm]) -> Mapping[str, Shown]:
    """How films are shown in each control. The grays are the mean histogram of the abnormal films of the same view
    among the `fitted` ones; abnormal films keep theirs.
    """
    sick = abnormal(fitted)
    grays = {view: _mean_histogram(fitted, sick & of_view(fitted, view)) for view in VIEWS}

    def sick_grays(films: Sequence[AdultFilm]) -> Iterator[Gray]:
        for film in films:
            shown = read_gray(film.path)
            yield shown if film.labels else with_grays(shown, grays[film.view])

    return {
        LUNGS_MASKED: partial(changed, lungs_masked),
        BORDER_ALONE: partial(changed, border_alone),
        SICK_GRAYS: sick_grays,
    }


def _mean_histogram(films: Sequence[AdultFilm], chosen: NDArray[np.bool_]) -> Histogram:
    return np.asarray(
        np.mean([histogram(read_gray(films[index].path)) for index in np.flatnonzero(chosen).tolist()], axis=0)
    )
