"""Which training patients a network is fitted on, and which stop the training and set the threshold."""

from dataclasses import dataclass

from leapfrog_training.datasets.nerve import Nerve, NerveImage
from leapfrog_training.datasets.splits import patient_folds

STOPPING_FOLDS = 5  # one training patient in five is not fitted on
STOPPING_SEED = 1


@dataclass(frozen=True)
class TrainingSides:
    """The training pictures: those to fit on, and those of other patients, on which choices are made."""

    fitted: tuple[NerveImage, ...]
    held_out: tuple[NerveImage, ...]


def training_sides(data: Nerve) -> TrainingSides:
    """Deal the training patients. Raises DatasetError when there is only one."""
    images = data.in_split("train")
    patients = [image.patient for image in images]
    fold = patient_folds(patients, min(STOPPING_FOLDS, len(set(patients))), STOPPING_SEED)[0]
    return TrainingSides(
        fitted=tuple(images[index] for index in fold.fit), held_out=tuple(images[index] for index in fold.held_out)
    )
