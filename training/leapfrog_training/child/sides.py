"""Which training children a network is fitted to, and which set calibration and threshold."""

from dataclasses import dataclass

from leapfrog_training.datasets.children_kermany import ChildFilm, ChildrenKermany
from leapfrog_training.datasets.splits import patient_folds

HELD_OUT_FOLDS = 5  # one patient group in five is held out
HELD_OUT_SEED = 1


@dataclass(frozen=True)
class TrainingSides:
    """The training films: those to fit to, and those of other children, used for decisions."""

    fitted: tuple[ChildFilm, ...]
    held_out: tuple[ChildFilm, ...]


def training_sides(data: ChildrenKermany) -> TrainingSides:
    """Divide the training films by patient group, in every step of a run in the same way."""
    films = data.in_split("train")
    fold = patient_folds([film.patient for film in films], HELD_OUT_FOLDS, HELD_OUT_SEED)[0]
    return TrainingSides(tuple(films[i] for i in fold.fit), tuple(films[i] for i in fold.held_out))
