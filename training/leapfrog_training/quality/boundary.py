"""Fits the small network that distinguishes training images from strangers, in numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HIDDEN = 96
EPOCHS = 40
BATCH = 256
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 5e-3  # few images, many features
FIRST_MOMENT, SECOND_MOMENT, EPSILON = 0.9, 0.999, 1e-8  # Adam (Kingma and Ba, ICLR 2015)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Boundary:
    """hidden_weights (F, H), hidden_bias (H,), weights (H,), bias (): the log odds of being a stranger."""

    hidden_weights: Floats
    hidden_bias: Floats
    weights: Floats
    bias: Floats


def fit_boundary(own: Floats, foreign: Floats, seed: int) -> Boundary:
    """Fit to standardised features (B, F) of training images and of strangers; both sides have equal weight."""
    generator = np.random.default_rng(seed)
    inputs = np.concatenate([own, foreign]).astype(np.float64)
    is_foreign = np.repeat([0.0, 1.0], [len(own), len(foreign)])
    weighing = np.repeat([len(inputs) / (2 * len(own)), len(inputs) / (2 * len(foreign))], [len(own), len(foreign)])
    network = [
        generator.normal(0, np.sqrt(2 / inputs.shape[1]), (inputs.shape[1], HIDDEN)),
        np.zeros(HIDDEN),
        generator.normal(0, np.sqrt(1 / HIDDEN), HIDDEN),
        np.zeros(()),
    ]
    adam = _Adam(network, steps=EPOCHS * -(-len(inputs) // BATCH))
    for _ in range(EPOCHS):
        order = generator.permutation(len(inputs))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            adam.step(_slopes(network, inputs[batch], is_foreign[batch], weighing[batch]))
    return Boundary(*(np.asarray(part, dtype=np.float32) for part in network))


def _slopes(
    network: list[NDArray[np.float64]],
    inputs: NDArray[np.float64],
    is_foreign: NDArray[np.float64],
    weighing: NDArray[np.float64],
) -> list[NDArray[np.float64]]:
    """The slopes of the mean weighted cross entropy with weight decay, one for each part of the network."""
    hidden_weights, hidden_bias, weights, bias = network
    hidden = np.maximum(inputs @ hidden_weights + hidden_bias, 0)
    probability = 1 / (1 + np.exp(-np.clip(hidden @ weights + bias, -50, 50)))
    error = weighing * (probability - is_foreign) / len(inputs)
    hidden_error = np.outer(error, weights) * (hidden > 0)
    return [
        inputs.T @ hidden_error + WEIGHT_DECAY * hidden_weights,
        hidden_error.sum(axis=0),
        hidden.T @ error + WEIGHT_DECAY * weights,
        np.asarray(error.sum()),
    ]


class _Adam:
    """Adam with a learning rate that falls to zero along half a cosine; updates the network's list of parts."""

    def __init__(self, network: list[NDArray[np.float64]], steps: int) -> None:
        self._network = network
        self._first = [np.zeros_like(part) for part in network]
        self._second = [np.zeros_like(part) for part in network]
        self._steps = steps
        self._done = 0

    def step(self, slopes: list[NDArray[np.float64]]) -> None:
        self._done += 1
        rate = LEARNING_RATE * (1 + np.cos(np.pi * self._done / self._steps)) / 2
        rate *= np.sqrt(1 - SECOND_MOMENT**self._done) / (1 - FIRST_MOMENT**self._done)
        for position, slope in enumerate(slopes):
            self._first[position] += (1 - FIRST_MOMENT) * (slope - self._first[position])
            self._second[position] += (1 - SECOND_MOMENT) * (slope**2 - self._second[position])
            self._network[position] -= rate * self._first[position] / (np.sqrt(self._second[position]) + EPSILON)
