"""Fits the small network that tells good pictures from each kind of bad one, in numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HIDDEN = 96
EPOCHS = 20
BATCH = 256
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 5e-3  # few films, many features
LAST_WEIGHT_DECAY = 1e-3
FIRST_MOMENT, SECOND_MOMENT, EPSILON = 0.9, 0.999, 1e-8  # Adam (Kingma and Ba, ICLR 2015)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Network:
    """hidden_weights (F, H), hidden_bias (H,), weights (H, K), bias (K,): the log likelihood of each of K kinds but for
    a constant.
    """

    hidden_weights: Floats
    hidden_bias: Floats
    weights: Floats
    bias: Floats


def fit_network(inputs: Floats, kinds: NDArray[np.intp], count: int, seed: int) -> Network:
    """Fit to standardised features (B, F) of pictures of `kinds` (B,), of which there are `count`. Good pictures (kind
    0) have as much weight as all others together, which share theirs equally.
    """
    generator = np.random.default_rng(seed)
    features = inputs.shape[1]
    parts = [
        generator.normal(0, np.sqrt(2 / features), (features, HIDDEN)),
        np.zeros(HIDDEN),
        generator.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, count)),
        np.zeros(count),
    ]
    network = [part.astype(np.float32) for part in parts]
    of_kind = np.bincount(kinds, minlength=count)
    share = np.where(np.arange(count) == 0, 0.5, 0.5 / (count - 1)) * len(kinds) / np.maximum(of_kind, 1)
    weighing = share[kinds].astype(np.float32)
    adam = _Adam(network, steps=EPOCHS * -(-len(inputs) // BATCH))
    for _ in range(EPOCHS):
        order = generator.permutation(len(inputs))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            adam.step(_slopes(network, inputs[batch], kinds[batch], weighing[batch]))
    return Network(*network)


def _slopes(network: list[Floats], inputs: Floats, kinds: NDArray[np.intp], weighing: Floats) -> list[Floats]:
    """The slopes of the mean weighted cross entropy with weight decay, one for each part of the network."""
    hidden_weights, hidden_bias, weights, bias = network
    hidden = np.maximum(inputs @ hidden_weights + hidden_bias, 0)
    answers = hidden @ weights + bias
    probability = np.exp(answers - answers.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    probability[np.arange(len(kinds)), kinds] -= 1
    error = probability * (weighing / len(inputs))[:, None]
    hidden_error = (error @ weights.T) * (hidden > 0)
    return [
        inputs.T @ hidden_error + np.float32(WEIGHT_DECAY) * hidden_weights,
        hidden_error.sum(axis=0),
        hidden.T @ error + np.float32(LAST_WEIGHT_DECAY) * weights,
        error.sum(axis=0),
    ]


class _Adam:
    """Adam with a learning rate that falls to zero along half a cosine; updates the network's list of parts."""

    def __init__(self, network: list[Floats], steps: int) -> None:
        self._network = network
        self._first = [np.zeros_like(part) for part in network]
        self._second = [np.zeros_like(part) for part in network]
        self._steps = steps
        self._done = 0

    def step(self, slopes: list[Floats]) -> None:
        self._done += 1
        rate = LEARNING_RATE * (1 + np.cos(np.pi * self._done / self._steps)) / 2
        rate *= np.sqrt(1 - SECOND_MOMENT**self._done) / (1 - FIRST_MOMENT**self._done)
        for place, slope in enumerate(slopes):
            first, second = self._first[place], self._second[place]
            self._first[place] = first + np.float32(1 - FIRST_MOMENT) * (slope - first)
            self._second[place] = second + np.float32(1 - SECOND_MOMENT) * (slope**2 - second)
            step = self._first[place] / (np.sqrt(self._second[place]) + np.float32(EPSILON))
            self._network[place] -= np.float32(rate) * step
