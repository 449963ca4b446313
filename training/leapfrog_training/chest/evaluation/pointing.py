"""Whether the maps of chest-findings point to the pneumonia that a radiologist marked, on films held out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leapfrog.packages.manifest import ModelInput
from leapfrog.reader.assess.shown_picture import field_seen, map_over_whole
from leapfrog_training.chest.films import ABNORMAL_LABEL, AdultFilm, folds_of, with_boxes
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.heat_maps import BoxWithMap, Pointing, pointing
from leapfrog_training.run.folder import SHIPPED_SEED, Job, Run

SHOWN = ModelInput(height=8, width=8, field="exposed")  # of which only the field matters here


def measured_pointing(run: Run, training: Sequence[AdultFilm], validation: Sequence[AdultFilm]) -> Pointing | None:
    """The measure over all boxes, each with the map of a float network that had not seen the film: of the fold that
    held it out, and for validation films of the seed that ships; None without boxes.
    """
    boxes = _with_maps(run.seed(SHIPPED_SEED), validation)
    for index, fold in enumerate(folds_of(training, run.notes.folds)):
        boxes += _with_maps(run.fold(index), [training[position] for position in fold.held_out])
    return pointing(boxes)


def _with_maps(job: Job, films: Sequence[AdultFilm]) -> list[BoxWithMap]:
    boxes = []
    for position, evidence in zip(with_boxes(films), np.load(job.held_out_maps), strict=True):
        film, gray = films[position], read_gray(films[position].path)
        over_whole = map_over_whole(_stretched(evidence), field_seen(SHOWN, gray), gray.shape)
        boxes += [BoxWithMap(film.patient, box, over_whole) for box in film.boxes if box.label == ABNORMAL_LABEL]
    return boxes


def _stretched(evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = float(evidence.min()), float(evidence.max())
    return np.asarray((evidence - low) / max(high - low, 1e-6), dtype=np.float32)
