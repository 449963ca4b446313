"""Measures heat maps: whether they point to what a radiologist marked, better than anything that never saw the film."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.evaluation.measured import Bounds
from leapfrog.evaluation.scores import Resamples, bounds, resample
from leapfrog.reader.assess.classification import heat_map
from leapfrog_training.datasets.chestxray14 import BoundingBox
from leapfrog_training.evaluate.measured import Measured

GRID = 56  # cells a side of the maps that are compared
HOT_FRACTION = 0.5  # of a map's range: what is at least as hot is tinted
BLOB_SPREAD = 0.2  # of the film's side: the centre blob's standard deviation

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class BoxWithMap:
    """A radiologist's box, and the heat map (rows, columns) of its finding over the whole of its film."""

    patient: str
    box: BoundingBox
    evidence: Maps


class Pointing(Measured):
    """How often the hottest point of a finding's map lies in the radiologist's box (Zhang et al., ECCV 2016), and which
    share of the tint lies in it; each also minus the same of the mean map of the other patients' films, and of a blob
    in the middle. A flat map points nowhere.
    """

    boxes: int
    films: int
    hit_rate: Bounds
    share_in_box: Bounds
    hits_over_mean_map: Bounds
    hits_over_centre: Bounds
    share_over_mean_map: Bounds
    share_over_centre: Bounds

    @property
    def points(self) -> bool:
        """Whether the maps are better than both in both measures, beyond chance."""
        gains = (self.hits_over_mean_map, self.hits_over_centre, self.share_over_mean_map, self.share_over_centre)
        return all(gain.low > 0 for gain in gains)


def pointing(boxes: Sequence[BoxWithMap]) -> Pointing | None:
    """The result over all boxes, with intervals over patients. None without boxes."""
    if not boxes:
        return None
    patients = np.array([one.patient for one in boxes])
    maps = np.stack([_on_the_grid(one.evidence) for one in boxes])
    inside = np.stack([_cells(one.box) for one in boxes])
    own = [_measured(shown, box) for shown, box in zip(maps, inside, strict=True)]
    mean = [_measured(_mean_of_others(maps, patients, k), inside[k]) for k in range(len(boxes))]
    centre = [_measured(_centre_blob(), box) for box in inside]
    draws = resample(list(patients))
    return Pointing(
        boxes=len(boxes),
        films=len({(one.patient, one.evidence.tobytes()) for one in boxes}),
        hit_rate=_mean(draws, [hit for hit, _ in own]),
        share_in_box=_mean(draws, [share for _, share in own]),
        hits_over_mean_map=_mean(draws, [a[0] - b[0] for a, b in zip(own, mean, strict=True)]),
        hits_over_centre=_mean(draws, [a[0] - b[0] for a, b in zip(own, centre, strict=True)]),
        share_over_mean_map=_mean(draws, [a[1] - b[1] for a, b in zip(own, mean, strict=True)]),
        share_over_centre=_mean(draws, [a[1] - b[1] for a, b in zip(own, centre, strict=True)]),
    )


def _mean(draws: Resamples, values: Sequence[float]) -> Bounds:
    mean = bounds(draws.mean(np.array(values, dtype=np.float64)))
    if mean is None:
        raise ValueError("a mean over at least one box always exists")
    return mean


def _on_the_grid(evidence: Maps) -> Maps:
    fine = Image.fromarray(evidence.astype(np.float32)).resize((GRID, GRID), Image.Resampling.BILINEAR)
    return np.asarray(fine, dtype=np.float32)


def _measured(shown: Maps, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Whether the hottest point lies `inside`, and the share of the tint that does; both 0 for a flat map."""
    heat = heat_map(shown)
    if heat is None:
        return 0.0, 0.0
    tint = np.where(heat >= HOT_FRACTION, heat, 0.0)
    return float(inside.ravel()[int(heat.argmax())]), float(tint[inside].sum() / tint.sum())


def _mean_of_others(maps: Maps, patients: NDArray[np.str_], index: int) -> Maps:
    others = maps[patients != patients[index]]
    return np.asarray(others.mean(axis=0) if len(others) else np.zeros_like(maps[index]))


def _centre_blob() -> Maps:
    middles = (np.arange(GRID) + 0.5) / GRID - 0.5
    away = middles[:, np.newaxis] ** 2 + middles[np.newaxis, :] ** 2
    return np.exp(-away / (2 * BLOB_SPREAD**2)).astype(np.float32)


def _cells(box: BoundingBox) -> NDArray[np.bool_]:
    """The cells of the grid whose middle is in the box."""
    middles = (np.arange(GRID) + 0.5) / GRID
    rows = (middles >= box.top) & (middles <= box.top + box.height)
    columns = (middles >= box.left) & (middles <= box.left + box.width)
    return np.asarray(rows[:, np.newaxis] & columns[np.newaxis, :])
