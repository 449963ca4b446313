"""What heat maps are worth: whether they point at what a radiologist marked, and whether int8 keeps them."""

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
class Pointed:
    """A box with the map of its finding on its film (rows, columns)."""

    patient: str
    box: BoundingBox
    evidence: Maps


class PointingGame(Measured):
    """How often the hottest point of a finding's map lies in the radiologist's box (Zhang et al., ECCV 2016).

    `chance` is the rate of a point thrown at random: the boxes' mean share of the film. `best_fixed_point` is that of
    the one point that lies in most boxes of the other patients, without a look at the film: only a map above it has
    seen something. A map that is flat points nowhere and misses.
    """

    boxes: int
    films: int
    hit_rate: Bounds
    chance: float
    best_fixed_point: float


def pointing_game(pointed: Sequence[Pointed]) -> PointingGame | None:
    """Play it over the boxes; the interval is over patients. None without boxes."""
    if not pointed:
        return None
    cells = np.stack([_cells(one.box) for one in pointed])
    peaks = [_peak(one.evidence) for one in pointed]
    hits = np.array([peak is not None and bool(cells[k][peak]) for k, peak in enumerate(peaks)])
    patients = np.array([one.patient for one in pointed])
    rate = bounds(resample(list(patients)).mean(hits.astype(np.float64)))
    if rate is None:
        raise ValueError("a rate over boxes is always told")
    return PointingGame(
        boxes=len(pointed),
        films=len({(one.patient, one.evidence.tobytes()) for one in pointed}),
        hit_rate=rate,
        chance=float(np.mean([one.box.width * one.box.height for one in pointed])),
        best_fixed_point=float(np.mean([_hit_by_others(cells, patients, k) for k in range(len(pointed))])),
    )


def correlation(first: Maps, second: Maps) -> float | None:
    """The mean correlation of the maps (films, rows, columns, findings), over films and findings in which both vary."""
    one, other = (_centred(maps) for maps in (first, second))
    spread = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    told = spread > 0
    return float(np.mean((one * other).sum(axis=1)[told] / spread[told])) if told.any() else None


def _centred(maps: Maps) -> NDArray[np.float64]:
    films, rows, columns, findings = maps.shape
    flat = maps.astype(np.float64).transpose(0, 3, 1, 2).reshape(films * findings, rows * columns)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))


def _peak(evidence: Maps) -> tuple[int, int] | None:
    """The hottest cell of the enlarged map, where the kiosk starts the finding's region; None of a flat map."""
    heat = heat_map(evidence)
    if heat is None:
        return None
    fine = np.asarray(Image.fromarray(heat).resize((REGION_GRID, REGION_GRID), Image.Resampling.BILINEAR))
    row, column = np.unravel_index(int(fine.argmax()), fine.shape)
    return int(row), int(column)


def _cells(box: BoundingBox) -> NDArray[np.bool_]:
    """The cells of the kiosk's grid whose middle lies in the box."""
    middles = (np.arange(REGION_GRID) + 0.5) / REGION_GRID
    rows = (middles >= box.top) & (middles <= box.top + box.height)
    columns = (middles >= box.left) & (middles <= box.left + box.width)
    return np.asarray(rows[:, np.newaxis] & columns[np.newaxis, :])


def _hit_by_others(cells: NDArray[np.bool_], patients: NDArray[np.str_], index: int) -> bool:
    others = cells[patients != patients[index]].sum(axis=0)
    best = np.unravel_index(int(others.argmax()), others.shape)
    return bool(cells[index][best]) if others.any() else False
