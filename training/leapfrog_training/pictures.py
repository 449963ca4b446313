"""From the pictures of a data set to what a model is fed, by the kiosk's own function. Runs on the training machine
only.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leapfrog.reading.pixels import model_input
from leapfrog_training.datasets.images import read_gray


def model_inputs(paths: Sequence[Path], height: int, width: int) -> NDArray[np.uint8]:
    """The pictures as the kiosk shows them to a model, before scaling: shape (pictures, height, width, 1)."""
    return np.stack([model_input(read_gray(path), height, width) for path in paths])[..., np.newaxis]


def scaled(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Gray 0 to 255 as the network's real numbers, -1 to 1 ("symmetric")."""
    return pictures.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
