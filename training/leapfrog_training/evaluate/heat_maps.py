"""Measures heat maps: whether they point to what a radiologist marked, and whether int8 preserves them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.reader.assess.classification import REGION_GRID, heat_map
from leapfrog_training.datasets.chestxray14 import BoundingBox
from leapfrog_training.evaluate.measured import Bounds, Measured
from leapfrog_training.evaluate.scores import bounds, resample

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class BoxWithMap:
    """A radiologist's box, and the heat map (rows, columns) of its finding on its film."""

    patient: str
    box: BoundingBox
    evidence: Maps


class PointingGame(Measured):
    """How often the hottest point of a finding's map lies in the radiologist's box (Zhang et al., ECCV 2016).

    `chance` is the rate of a random point: the boxes' mean share of the film. `best_fixed_point` is the rate of the
    point that lies in most boxes of the other patients: only a map with a higher rate has learnt anything from the film
    itself. A flat map points nowhere and counts as a miss.
    """

    boxes: int
    films: int
    hit_rate: Bounds
    chance: float
    best_fixed_point: float


def pointing_game(boxes: Sequence[BoxWithMap]) -> PointingGame | None:
    """The result over all boxes, with an interval over patients. None without boxes."""
    if not boxes:
        return None
    cells = np.stack([_cells(one.box) for one in boxes])
    peaks = [_peak(one.evidence) for one in boxes]
    hits = np.array([peak is not None and bool(cells[k][peak]) for k, peak in enumerate(peaks)])
    patients = np.array([one.patient for one in boxes])
    rate = bounds(resample(list(patients)).mean(hits.astype(np.float64)))
    if rate is None:
        raise ValueError("a rate over at least one box always exists")
    return PointingGame(
        boxes=len(boxes),
        films=len({(one.patient, one.evidence.tobytes()) for one in boxes}),
        hit_rate=rate,
        chance=float(np.mean([one.box.width * one.box.height for one in boxes])),
        best_fixed_point=float(np.mean([_hit_by_others(cells, patients, k) for k in range(len(boxes))])),
    )


def correlation(first: Maps, second: Maps) -> float | None:
    """The mean correlation of the maps (films, rows, columns, findings), over films and findings in which both vary."""
    one, other = (_centred(maps) for maps in (first, second))
    spread = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    varies = spread > 0
    return float(np.mean((one * other).sum(axis=1)[varies] / spread[varies])) if varies.any() else None


def _centred(maps: Maps) -> NDArray[np.float64]:
    films, rows, columns, findings = maps.shape
    flat = maps.astype(np.float64).transpose(0, 3, 1, 2).reshape(films * findings, rows * columns)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))


def _peak(evidence: Maps) -> tuple[int, int] | None:
    """The hottest cell of the enlarged map, from which the kiosk grows the finding's region; None for a flat map."""
    heat = heat_map(evidence)
    if heat is None:
        return None
    fine = np.asarray(Image.fromarray(heat).resize((REGION_GRID, REGION_GRID), Image.Resampling.BILINEAR))
    row, column = np.unravel_index(int(fine.argmax()), fine.shape)
    return int(row), int(column)


def _cells(box: BoundingBox) -> NDArray[np.bool_]:
    """The cells of the kiosk's grid whose middle is in the box."""
    middles = (np.arange(REGION_GRID) + 0.5) / REGION_GRID
    rows = (middles >= box.top) & (middles <= box.top + box.height)
    columns = (middles >= box.left) & (middles <= box.left + box.width)
    return np.asarray(rows[:, np.newaxis] & columns[np.newaxis, :])


def _hit_by_others(cells: NDArray[np.bool_], patients: NDArray[np.str_], index: int) -> bool:
    others = cells[patients != patients[index]].sum(axis=0)
    best = np.unravel_index(int(others.argmax()), others.shape)
    return bool(cells[index][best]) if others.any() else False
