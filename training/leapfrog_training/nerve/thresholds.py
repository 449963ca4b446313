"""How sure the model must be before something is drawn, chosen on pictures that its networks did not see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leapfrog.packages.manifest import Manifest
from leapfrog_training.nerve.manifest import NERVE, VESSEL
from leapfrog_training.nerve.reading import Answer, NerveAnswer, has_nerve, read_nerves

CANDIDATES = tuple(float(value) for value in np.round(np.arange(0.5, 0.96, 0.025), 3))
MOST_FALSE_IN_PARTS = 0.08  # of the parts without a nerve; 10 % are allowed on other patients
MOST_FALSE_IN_HEADS = 0.01  # of the fetal heads; 2 % are allowed
FEWEST_OUTLINED = 0.85  # of the pictures with a nerve; on other patients it should be 80 %

Thresholds = Mapping[str, float]
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
    chosen = {NERVE: max(_fewest_false(structures, unseen), _still_outlined(structures, unseen))}
    return chosen | ({VESSEL: _best_for_vessels(structures, unseen)} if VESSEL in structures else {})


def false_share(manifest: Manifest, answers: Sequence[Answer]) -> float:
    """The share of the answers, all for pictures without a nerve, that have one; 0 without answers."""
    return sum(has_nerve(manifest, answer) for answer in answers) / max(len(answers), 1)


def _fewest_false(structures: Sequence[str], unseen: Sequence[tuple[ManifestFor, Unseen]]) -> float:
    for candidate in CANDIDATES:
        manifests = _manifests(structures, unseen, candidate)
        parts = _pooled_share([(manifest, one.parts) for manifest, one in manifests])
        heads = _pooled_share([(manifest, one.heads) for manifest, one in manifests])
        if parts <= MOST_FALSE_IN_PARTS and heads <= MOST_FALSE_IN_HEADS:
            return candidate
    return CANDIDATES[-1]


def _still_outlined(structures: Sequence[str], unseen: Sequence[tuple[ManifestFor, Unseen]]) -> float:
    for candidate in reversed(CANDIDATES):
        shares = [
            (manifest, tuple(answer.answer for answer in one.pictures if answer.picture.has_nerve))
            for manifest, one in _manifests(structures, unseen, candidate)
        ]
        if _pooled_share(shares) >= FEWEST_OUTLINED:
            return candidate
    return CANDIDATES[0]


def _best_for_vessels(structures: Sequence[str], unseen: Sequence[tuple[ManifestFor, Unseen]]) -> float:
    means = []
    for candidate in CANDIDATES:
        readings = [
            reading
            for manifest, one in _manifests(structures, unseen, candidate)
            for reading in read_nerves(manifest, one.pictures)
        ]
        means.append(np.mean([reading.vessel.dice for reading in readings if reading.vessel is not None]))
    return CANDIDATES[int(np.argmax(means))]


def _manifests(
    structures: Sequence[str], unseen: Sequence[tuple[ManifestFor, Unseen]], candidate: float
) -> list[tuple[Manifest, Unseen]]:
    thresholds = dict.fromkeys(structures, candidate)
    return [(manifest_for(thresholds), one) for manifest_for, one in unseen]


def _pooled_share(answers: Sequence[tuple[Manifest, Sequence[Answer]]]) -> float:
    outlined = sum(has_nerve(manifest, answer) for manifest, some in answers for answer in some)
    return outlined / max(sum(len(some) for _, some in answers), 1)
