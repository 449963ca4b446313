"""The data sets that models are made from: one file per data set, each checks its layout when it is opened."""

from leapfrog_training.datasets.chestxray14 import ChestXray14, Film, open_chestxray14
from leapfrog_training.datasets.hc18 import HC18, HeadImage, open_hc18
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.datasets.nerve import Nerve, NerveImage, open_nerve
from leapfrog_training.datasets.splits import Fold, Split, patient_folds

__all__ = [
    "HC18",
    "ChestXray14",
    "Film",
    "Fold",
    "HeadImage",
    "Nerve",
    "NerveImage",
    "Split",
    "open_chestxray14",
    "open_hc18",
    "open_nerve",
    "patient_folds",
    "read_gray",
]
