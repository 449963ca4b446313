"""Turns the pictures of a data set into a model's inputs and, with the model, into its outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

PREDICTED_AT_ONCE = 16


class Pictures(Protocol):
    """Gray pictures (n, height, width, 1), read into an array when they are accessed by position: an array, a file of
    `picture_cache.py`, or a selection of either.
    """

    def __len__(self) -> int:
        """The number of pictures."""
        ...

    def __getitem__(self, positions: Any, /) -> NDArray[np.uint8]:
        """The pictures at `positions`: a slice, or an array of integers."""
        ...


@dataclass(frozen=True)
class Selected:
    """A selection of pictures, which are not read until they are accessed."""

    source: Pictures
    positions: NDArray[np.intp]

    def __len__(self) -> int:
        """The number of selected pictures."""
        return len(self.positions)

    def __getitem__(self, positions: Any, /) -> NDArray[np.uint8]:
        """The pictures at `positions` within the selection."""
        return self.source[self.positions[positions]]


def scaled(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Gray 0 to 255 as the network's real numbers, -1 to 1 ("symmetric")."""
    return pictures.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def predictions(model: Any, pictures: Pictures) -> list[NDArray[np.float32]]:
    """Each output of a Keras model for all pictures (n, height, width, 1), read and scaled in small batches."""
    parts = list(predictions_in_batches(model, pictures))
    return [np.concatenate([np.asarray(part[index], np.float32) for part in parts]) for index in range(len(parts[0]))]


def predictions_in_batches(model: Any, pictures: Pictures) -> Iterator[Sequence[NDArray[np.floating]]]:
    """The same batch by batch: each output of the model, also where it has only one, which Keras gives by itself."""
    for start in range(0, len(pictures), PREDICTED_AT_ONCE):
        outputs = model.predict_on_batch(scaled(pictures[start : start + PREDICTED_AT_ONCE]))
        yield outputs if isinstance(outputs, list | tuple) else [outputs]
