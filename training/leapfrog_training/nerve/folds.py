"""Which training pictures a fold's network is fitted to, and which it reads unseen."""

from dataclasses import dataclass

from leapfrog_training.datasets.nerve_picture import NerveData, NervePicture
from leapfrog_training.datasets.splits import patient_folds

SEED = 1


@dataclass(frozen=True)
class NerveFold:
    """The training pictures: those to fit to, and those of other patients."""

    fitted: tuple[NervePicture, ...]
    held_out: tuple[NervePicture, ...]


def nerve_folds(data: NerveData, folds: int) -> tuple[NerveFold, ...]:
    """Divide the training patients, or groups of near copies, among `folds`. Raises DatasetError if there are fewer."""
    pictures = data.in_split("train")
    return tuple(
        NerveFold(
            fitted=tuple(pictures[index] for index in fold.fit),
            held_out=tuple(pictures[index] for index in fold.held_out),
        )
        for fold in patient_folds([picture.patient for picture in pictures], folds, SEED)
    )
