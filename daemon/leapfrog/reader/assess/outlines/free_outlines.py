"""From a segmenter's mask to free outlines: of each finding the parts that were seen, and the area inside each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leapfrog.exam import Finding, Measurement
from leapfrog.language.sentence import Sentence, joined, known, sentence
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.manifest import Manifest
from leapfrog.packages.measurement_rule import MeasurementRule
from leapfrog.reader.assess.outlines.outline import Outline, trace
from leapfrog.reader.assess.outlines.possible_sizes import why_impossible
from leapfrog.reader.assess.outlines.segmentation import (
    INSIDE,
    Mask,
    PictureArea,
    alone,
    contour_of,
    finding_of,
    masks_of,
)
from leapfrog.reader.image.fields.connected import parts_of
from leapfrog.reader.image.spacing import NO_SPACING, SpacingMm

OUTLINE_POINTS = 120  # at most, for each outline
FEWEST_CELLS = 4  # of the mask; anything smaller is a speck
MOST_PARTS = 8  # of one finding, the largest; the annotators of nerves_usgra drew at most five
EDGE_CELLS = 1.0  # of the mask: the line is drawn more finely than the mask is known
LARGEST_CUT_OFF = 0.1  # of an outline along the edge; with more, the area is only that of the visible part

AT_THE_EDGE = sentence(
    "The {name} runs along the picture's edge. The part beyond it was not seen, so its area is not given."
)


@dataclass(frozen=True)
class FreeOutlines:
    """What is drawn on one picture. `findings` has one for each of the package's, in their order, flagged if a part of
    it was seen; `reason` says why something that is outlined has no area.
    """

    findings: tuple[Finding, ...]
    reason: Sentence = Sentence("")


@dataclass(frozen=True)
class _Part:
    """A part of a finding's mask: the mean probability inside, and its outline in pixels of the picture.
    `is_cut_off`: it may go on where nothing was seen.
    """

    score: float
    outline: Outline
    is_cut_off: bool


def free_outlines(
    manifest: Manifest,
    outputs: Sequence[NDArray[np.float32]],
    area: PictureArea,
    spacing_mm: SpacingMm | None,
    why_no_spacing: Sentence = NO_SPACING,
) -> FreeOutlines:
    """The outlines of one picture, and the area inside each.

    `outputs` are the model's dequantized output tensors in the model's order; the mask is (1, rows, columns, findings)
    with probabilities over `area`. A part is drawn if the mean probability inside it reaches its finding's threshold,
    and if it is not too small. `spacing_mm` is (between rows, between columns) of the picture's pixels; without it
    nothing is measured, and `why_no_spacing` is the reason. Raises EngineError if the mask's shape is wrong.
    """
    findings, reasons = [], []
    for rule, mask in zip(manifest.finding, masks_of(manifest, outputs), strict=True):
        parts = _parts(rule, mask, area, INSIDE if manifest.measurement is None else manifest.measurement.level)
        drawn = [part for part in parts if part.score >= rule.threshold]
        finding = _finding(rule, parts, drawn, area)
        if drawn and manifest.measurement is not None:
            reason = why_no_spacing if spacing_mm is None else _why_unmeasured(rule, drawn)
            if spacing_mm is not None and not reason:
                finding, reason = _measured(manifest.measurement, rule, finding, drawn, spacing_mm)
            reasons.append(reason)
        findings.append(finding)
    return FreeOutlines(tuple(findings), joined(dict.fromkeys(reasons)))


def _parts(rule: FindingRule, mask: Mask, area: PictureArea, level: float) -> list[_Part]:
    """The parts of a finding's mask that are not too small, the largest first."""
    fewest = max(FEWEST_CELLS, rule.least_area * mask.size)
    found = sorted(parts_of(mask >= level), key=lambda cells: -int(cells.sum()))[:MOST_PARTS]
    traced = [_part(alone(mask, cells, level), area, level) for cells in found if cells.sum() >= fewest]
    return [part for part in traced if part is not None]


def _part(mask: Mask, area: PictureArea, level: float) -> _Part | None:
    """The only part of `mask`."""
    outline = trace(mask, level)
    if outline is None:
        return None
    in_pixels = replace(outline, points=area.in_pixels(outline.points, mask.shape))
    along_edge = area.share_along_edge(in_pixels.points, mask.shape, EDGE_CELLS)
    return _Part(float(mask[mask >= level].mean()), in_pixels, along_edge > LARGEST_CUT_OFF)


def _finding(rule: FindingRule, parts: Sequence[_Part], drawn: Sequence[_Part], area: PictureArea) -> Finding:
    """The finding with the outlines that are `drawn`. Its score is that of the surest part."""
    finding = finding_of(rule, max((part.score for part in parts), default=0.0), flagged=bool(drawn))
    contour = tuple(contour_of(part.outline.thinned(OUTLINE_POINTS).points, area) for part in drawn)
    return finding.model_copy(update={"contour": contour or None, "drawn": rule.drawn})


def _why_unmeasured(rule: FindingRule, drawn: Sequence[_Part]) -> Sentence:
    return (
        AT_THE_EDGE.format(name=known(rule.name).lowered()) if any(part.is_cut_off for part in drawn) else Sentence("")
    )


def _measured(
    measurement: MeasurementRule, rule: FindingRule, finding: Finding, drawn: Sequence[_Part], spacing_mm: SpacingMm
) -> tuple[Finding, Sentence]:
    """The finding with the area of each part, or as it is and the reason why the scale cannot be right."""
    named = measurement.model_copy(update={"name": f"{rule.name} {measurement.name.lower()}"})
    sizes = [part.outline.area * spacing_mm[0] * spacing_mm[1] for part in drawn]
    for size in sizes:
        if reason := why_impossible(named, rule, size):
            return finding, reason
    value = Measurement(
        name=named.name,
        code=named.code,
        value=round(sum(sizes), 1),
        unit=named.unit,
        parts=tuple(round(size, 1) for size in sizes) if len(sizes) > 1 else (),
    )
    return finding.model_copy(update={"measurement": value}), Sentence("")
