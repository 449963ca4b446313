"""What a network is trained on: pictures with what it is to answer. None of this needs TensorFlow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.fitting.pictures import Pictures, Selected


@dataclass(frozen=True)
class Examples:
    """Pictures (n, rows, columns, 1) uint8, and the targets of the model's first output, float32.

    Targets are labels (n, findings) or masks (n, mask rows, mask columns, 1); masks move with their pictures.
    """

    pictures: Pictures
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.pictures)

    def at(self, positions: NDArray[np.intp]) -> "Examples":
        """The examples at `positions`; their pictures are not copied."""
        return Examples(Selected(self.pictures, positions), self.targets[positions])
