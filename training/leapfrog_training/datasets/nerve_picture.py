"""One picture of a nerve data set, whichever set it is from, and what annotators drew in it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog_training.datasets.images import read_gray
from leapfrog_training.datasets.splits import DataSet, Split

DRAWN = 128  # in the masks of a set that draws only nerves: 0 and 255
NERVE, VESSEL = 1, 2  # in the masks of a set that draws both


class Source(StrEnum):
    """Where pictures of nerves, and pictures without any, come from."""

    USGRA = "usgra"
    KAGGLE = "kaggle"
    HEADS = "hc18"


DRAWS_VESSELS = {Source.USGRA: True, Source.KAGGLE: False, Source.HEADS: True}  # a head's own vessels are none to draw


@dataclass(frozen=True)
class NervePicture:
    """One ultrasound picture, and the file of its mask; None where there is neither nerve nor vessel by what it shows.

    `patient` is the set's patient, subject, or group of near copies.
    """

    path: Path
    mask_path: Path | None
    patient: str
    split: Split
    source: Source
    has_nerve: bool

    @property
    def tells_vessels(self) -> bool:
        """Whether a vessel in it would have been drawn."""
        return DRAWS_VESSELS[self.source]


NerveData = DataSet[NervePicture]


def nerve_mask(picture: NervePicture) -> NDArray[np.bool_]:
    """The nerves as drawn, shape (rows, columns)."""
    if picture.mask_path is None:
        return _nothing(picture.path)
    mask = read_gray(picture.mask_path)
    return np.asarray(mask == NERVE if picture.source is Source.USGRA else mask >= DRAWN)


def vessel_mask(picture: NervePicture) -> NDArray[np.bool_]:
    """The vessels as drawn, shape (rows, columns); none where the set does not draw them."""
    if picture.mask_path is None or picture.source is not Source.USGRA:
        return _nothing(picture.path)
    return np.asarray(read_gray(picture.mask_path) == VESSEL)


def _nothing(path: Path) -> NDArray[np.bool_]:
    with Image.open(path) as picture:
        return np.zeros((picture.height, picture.width), np.bool_)
