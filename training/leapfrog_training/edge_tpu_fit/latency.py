"""Estimates how long a model takes on a Coral Edge TPU, fitted to Coral's published benchmarks.

milliseconds = a operations + b MACs + c bytes that operations write + d parameter bytes that do not fit on the chip.
The coefficients are not negative and minimise the squared relative error over the published networks. The error of an
estimate is determined by leaving each network out of the fit in turn. By that error, the terms were chosen from six
sets on eight of the networks; the five added later (Inception v4, Inception-ResNet v2, both ResNets v2, VGG19) played
no part in that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.edge_tpu_fit.published import PUBLISHED, Published
from leapfrog_training.edge_tpu_fit.workload import Workload

Bus = Literal["usb3", "usb2", "pcie"]
BUSES: tuple[Bus, ...] = ("usb3", "usb2", "pcie")

LEAST_CACHE_BYTES = 6.9 * 2**20  # parameters that fit on the chip: the least that was seen in compiled models
USB2_BYTES_PER_MS = 40_000.0
USB3_BYTES_PER_MS = 350_000.0
# MobileNet v2 takes 10.6 ms on a Raspberry Pi 3B+ (USB 2) and 4.55 ms on a Pi 4B (USB 3). The part that the slower bus
# does not explain comes from the slower computer. There is only this one pair of figures, so the error is unknown.
USB2_HOST_MS = 4.0
USB2_ERROR_FACTOR = 2.0


@dataclass(frozen=True)
class Estimate:
    """Milliseconds, with bounds that hold for four out of five published networks when they are left out of the fit."""

    milliseconds: float
    low: float
    high: float


@dataclass(frozen=True)
class LeftOut:
    """A published network, and the prediction from all others."""

    network: Published
    published_ms: float
    predicted_ms: float

    @property
    def factor(self) -> float:
        """Predicted over published."""
        return self.predicted_ms / self.published_ms


def estimate(work: Workload, bus: Bus) -> Estimate:
    """How long one inference takes over `bus`."""
    if bus == "usb2":
        usb3 = _predict(coefficients("usb3", PUBLISHED), work)
        slower = (work.bus_bytes + _streamed(work)) * (1 / USB2_BYTES_PER_MS - 1 / USB3_BYTES_PER_MS)
        value, error = usb3 + slower + USB2_HOST_MS, USB2_ERROR_FACTOR
    else:
        value, error = _predict(coefficients(bus, PUBLISHED), work), error_factor(bus)
    return Estimate(value, value / error, value * error)


def error_factor(bus: Bus) -> float:
    """The factor within which four out of five networks are predicted from the others."""
    return exp(float(np.quantile([abs(log(one.factor)) for one in left_out(bus)], 0.8)))


def left_out(bus: Bus) -> tuple[LeftOut, ...]:
    """Each published network, predicted from all others."""
    predictions = []
    for network in PUBLISHED:
        others = [other for other in PUBLISHED if other is not network]
        predicted = _predict(coefficients(bus, others), network.work)
        predictions.append(LeftOut(network, _published_ms(network, bus), predicted))
    return tuple(predictions)


def coefficients(bus: Bus, networks: Sequence[Published]) -> NDArray[np.float64]:
    """The four coefficients (milliseconds per unit of `_features`), none negative.

    There are so few that every subset of non-zero ones can be tried.
    """
    published = np.array([_published_ms(network, bus) for network in networks])
    rows = np.stack([_features(network.work) for network in networks]) / published[:, np.newaxis]
    ones = np.ones(len(networks))
    columns = rows.shape[1]
    best, best_error = np.zeros(columns), np.inf
    for count in range(1, columns + 1):
        for chosen in combinations(range(columns), count):
            solution, *_ = np.linalg.lstsq(rows[:, chosen], ones, rcond=None)
            error = float(np.square(rows[:, chosen] @ solution - ones).sum())
            if (solution >= 0).all() and error < best_error:
                best_error, best = error, np.zeros(columns)
                best[list(chosen)] = solution
    return best


def _predict(fitted: NDArray[np.float64], work: Workload) -> float:
    return float(fitted @ _features(work))


def _features(work: Workload) -> NDArray[np.float64]:
    return np.array([work.operations, work.macs, work.activation_bytes, _streamed(work)], dtype=np.float64)


def _streamed(work: Workload) -> float:
    return max(0.0, work.parameter_bytes - LEAST_CACHE_BYTES)


def _published_ms(network: Published, bus: Bus) -> float:
    return network.dev_board_ms if bus == "pcie" else network.usb3_ms
