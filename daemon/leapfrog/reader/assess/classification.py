"""From a classifier's outputs to findings: calibrated scores, thresholds, heat maps and hot areas."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.errors import EngineError
from leapfrog.exam import Finding, FrontalView, Region
from leapfrog.packages.finding_rules import Calibration
from leapfrog.packages.manifest import Manifest
from leapfrog.reader.assess.shown_picture import map_over_whole, region_in_whole
from leapfrog.reader.image.fields.connected import connected_area
from leapfrog.reader.image.pixels import PixelRegion

SCORE_MARGIN = 1 / 512  # half a step of an int8 sigmoid: keeps the logit finite at both ends of the scale
HOT_FRACTION = 0.5  # a finding's box encloses the area around the peak that is at least half as hot
LARGEST_REGION = 0.5  # of the picture
REGION_GRID = 56  # the heat map is enlarged to this many cells per side before the box is determined
FLAT_MAP = 1e-3  # a map that varies less than this is flat and points nowhere


@dataclass(frozen=True)
class Classification:
    """A classifier's result for one picture, where places are fractions of what the model was shown. `heatmaps` holds,
    by the name of each flagged finding, an array (rows, columns) of 0 to 1. It must not be compared between pictures.
    `view` is what the model took the film for, if it tells.
    """

    findings: tuple[Finding, ...]
    heatmaps: Mapping[str, NDArray[np.float32]]
    view: FrontalView | None = None

    def over_whole(self, field: PixelRegion, shape: tuple[int, ...]) -> Self:
        """The same, with places in fractions of the whole picture of `shape` (rows, columns), of which the model was
        shown `field`.
        """
        findings = tuple(
            finding.model_copy(update={"region": region_in_whole(finding.region, field, shape)})
            if finding.region is not None
            else finding
            for finding in self.findings
        )
        heatmaps = {name: map_over_whole(heat, field, shape) for name, heat in self.heatmaps.items()}
        return replace(self, findings=findings, heatmaps=heatmaps)


def calibrated_score(probability: float, calibration: Calibration) -> float:
    """Platt scaling of a model's own score (0 to 1)."""
    clipped = min(max(probability, SCORE_MARGIN), 1 - SCORE_MARGIN)
    logit = math.log(clipped / (1 - clipped))
    return 1 / (1 + math.exp(-(calibration.a * logit + calibration.b)))


def classify(
    manifest: Manifest, outputs: Sequence[NDArray[np.float32]], stated_view: FrontalView | None = None
) -> Classification:
    """Every finding that the package covers in the view that the model takes the picture for, in the package's order,
    by the thresholds of that view. `stated_view` is taken where the model is unsure of it.

    `outputs` are the model's dequantized output tensors in the model's order: scores (1, C) and, if the package has
    one, a heat map (1, rows, columns, C). C has a column for each finding and, if the package tells views, one for
    that. Raises EngineError if their shapes do not match the package.
    """
    columns = len(manifest.finding) + (manifest.view is not None)
    scores = _output(manifest.outputs.scores, outputs, ndim=2, last=columns)[0]
    view = None if manifest.view is None else manifest.view.told(float(scores[manifest.view.column]), stated_view)
    maps = None
    if manifest.outputs.heatmap is not None:
        maps = _output(manifest.outputs.heatmap, outputs, ndim=4, last=columns)[0]
    findings, heatmaps = [], {}
    for index, rule in enumerate(one.in_view(view) for one in manifest.finding):
        if rule is None:
            continue
        score = calibrated_score(float(scores[index]), rule.calibration)
        flagged = score >= rule.threshold
        is_shown = maps is not None and manifest.shows_where(rule)
        heat = heat_map(maps[:, :, index]) if flagged and maps is not None and is_shown else None
        if heat is not None:
            heatmaps[rule.name] = heat
        findings.append(
            Finding(
                name=rule.name,
                code=rule.code,
                score=score,  # all its digits: a rounded one could stand on the other side of the threshold
                threshold=rule.threshold,
                flagged=flagged,
                urgent=rule.is_urgent(score),
                urgent_threshold=rule.urgent_threshold,
                shows_where=is_shown and not (flagged and heat is None),  # a flat map points nowhere
                region=None if heat is None else hot_region(heat),
            )
        )
    return Classification(tuple(findings), heatmaps, view)


def _output(index: int | None, outputs: Sequence[NDArray[np.float32]], ndim: int, last: int) -> NDArray[np.float32]:
    if index is None or index >= len(outputs):
        raise EngineError(f"The model has {len(outputs)} outputs, but its package names output {index}.")
    output = outputs[index]
    if output.ndim != ndim or output.shape[0] != 1 or output.shape[-1] != last:
        raise EngineError(
            f"The model's output {index} has shape {output.shape}, which does not match the package's {last} columns."
        )
    return output


def heat_map(evidence: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """A finding's evidence (rows, columns), stretched to 0 to 1 within this picture; None if it is flat."""
    low, high = float(evidence.min()), float(evidence.max())
    if high - low < FLAT_MAP:
        return None
    stretched: NDArray[np.float32] = (evidence - np.float32(low)) / np.float32(high - low)
    return stretched


def hot_region(heat: NDArray[np.float32]) -> Region | None:
    """The box around the hottest point and the area connected to it that has at least HOT_FRACTION of its heat; None if
    the box would cover most of the picture and so point nowhere.
    """
    fine = np.asarray(Image.fromarray(heat).resize((REGION_GRID, REGION_GRID), Image.Resampling.BILINEAR))
    hot = fine >= HOT_FRACTION * float(fine.max())
    area = connected_area(hot, np.unravel_index(int(fine.argmax()), fine.shape))
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    left, right = int(columns[0]) / REGION_GRID, (int(columns[-1]) + 1) / REGION_GRID
    top, bottom = int(rows[0]) / REGION_GRID, (int(rows[-1]) + 1) / REGION_GRID
    if (right - left) * (bottom - top) > LARGEST_REGION:
        return None
    return Region(left=left, top=top, right=right, bottom=bottom)
