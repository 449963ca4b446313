"""How sure the model must be before something is drawn, chosen on pictures that its networks did not see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog.packages.manifest import Manifest
from leapfrog_training.nerve.manifest import NERVE, VESSEL
from leapfrog_training.nerve.reading import Answer, NerveAnswer, nerve_score, read_nerves

CANDIDATES = tuple(float(value) for value in np.round(np.arange(0.5, 0.96, 0.025), 3))
CANDIDATES_FOR_VESSELS = (0.5, 0.6, 0.7, 0.8, 0.9)
MOST_FALSE_IN_PARTS = 0.08  # of the parts without a nerve; 10 % are allowed on other patients
MOST_FALSE_IN_HEADS = 0.01  # of the fetal heads; 2 % are allowed
FEWEST_OUTLINED = 0.83  # of the pictures with a nerve; on other patients it should be 80 %

Thresholds = Mapping[str, float]
Scores = NDArray[np.float64]  # one for each answer
ManifestFor = Callable[[Thresholds], Manifest]


@dataclass(frozen=True)
class Unseen:
    """Answers for pictures that the network was not fitted to: pictures of nerve sets, parts of them without a nerve,
    and fetal heads.
    """

    pictures: tuple[NerveAnswer, ...]
    parts: tuple[Answer, ...]
    heads: tuple[Answer, ...]


def chosen_thresholds(structures: Sequence[str], unseen: Sequence[tuple[ManifestFor, Unseen]]) -> dict[str, float]:
    """The threshold of each structure, from the answers of several networks, each with what makes its manifest.

    A nerve's is the highest at which enough pictures still have an outline, since the box should rather show less; but
    never one at which too many pictures without a nerve have one. A vessel's is the lowest with the best mean Dice.
    """
    with_nerve = _surest(
        structures, unseen, lambda one: [item.answer for item in one.pictures if item.picture.has_nerve]
    )
    parts = _surest(structures, unseen, lambda one: one.parts)
    heads = _surest(structures, unseen, lambda one: one.heads)
    chosen = {NERVE: max(_fewest_false(parts, heads), _still_outlined(with_nerve))}
    return chosen | ({VESSEL: _best_for_vessels(structures, unseen)} if VESSEL in structures else {})


def _surest(
    structures: Sequence[str],
    unseen: Sequence[tuple[ManifestFor, Unseen]],
    chosen: Callable[[Unseen], Sequence[Answer]],
) -> Scores:
    """How sure each network is of the surest nerve in each of its `chosen` answers: up to this, one is outlined."""
    anything = dict.fromkeys(structures, 0.0)
    return np.array(
        [nerve_score(manifest_for(anything), answer) for manifest_for, one in unseen for answer in chosen(one)]
    )


def _fewest_false(parts: Scores, heads: Scores) -> float:
    for candidate in CANDIDATES:
        if _share(parts, candidate) <= MOST_FALSE_IN_PARTS and _share(heads, candidate) <= MOST_FALSE_IN_HEADS:
            return candidate
    return CANDIDATES[-1]


def _still_outlined(with_nerve: Scores) -> float:
    return max((one for one in CANDIDATES if _share(with_nerve, one) >= FEWEST_OUTLINED), default=CANDIDATES[0])


def _share(scores: Scores, threshold: float) -> float:
    return float((scores >= threshold).sum()) / max(len(scores), 1)


def _best_for_vessels(structures: Sequence[str], unseen: Sequence[tuple[ManifestFor, Unseen]]) -> float:
    means = []
    for candidate in CANDIDATES_FOR_VESSELS:
        thresholds = dict.fromkeys(structures, candidate)
        readings = [
            one for manifest_for, some in unseen for one in read_nerves(manifest_for(thresholds), some.pictures)
        ]
        means.append(np.mean([reading.vessel.dice for reading in readings if reading.vessel is not None]))
    return CANDIDATES_FOR_VESSELS[int(np.argmax(means))]
