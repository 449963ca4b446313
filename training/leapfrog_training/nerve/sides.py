"""Which training patients a network is fitted to, and which decide when to stop and set the threshold."""

from dataclasses import dataclass

from leapfrog_training.datasets.nerve import Nerve, NerveImage
from leapfrog_training.datasets.splits import patient_folds

STOPPING_FOLDS = 5  # one training patient in five is held out
STOPPING_SEED = 1


@dataclass(frozen=True)
class TrainingSides:
    """The training pictures: those to fit to, and those of other patients, used for decisions."""

    fitted: tuple[NerveImage, ...]
    held_out: tuple[NerveImage, ...]


def training_sides(data: Nerve) -> TrainingSides:
    """Split the training patients. Raises DatasetError if there is only one."""
    images = data.in_split("train")
    patients = [image.patient for image in images]
    fold = patient_folds(patients, min(STOPPING_FOLDS, len(set(patients))), STOPPING_SEED)[0]
    return TrainingSides(
        fitted=tuple(images[index] for index in fold.fit), held_out=tuple(images[index] for index in fold.held_out)
    )
