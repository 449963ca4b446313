"""From a segmenter's mask to a head's outline and its circumference, by a fitted ellipse. (What is not an
ellipse: `free_outlines.py`.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leapfrog.errors import EngineError
from leapfrog.exam import Finding, Measurement, Polygon
from leapfrog.language.sentence import Sentence, known, sentence
from leapfrog.packages.finding_rules import FindingRule
from leapfrog.packages.manifest import Manifest
from leapfrog.reader.assess.outlines.ellipse import Ellipse, fit_ellipse
from leapfrog.reader.assess.outlines.estimates import ESTIMATES, NO_ESTIMATE
from leapfrog.reader.assess.outlines.possible_sizes import why_impossible
from leapfrog.reader.image.fields.connected import connected_area, largest_part
from leapfrog.reader.image.pixels import PixelRegion
from leapfrog.reader.image.spacing import NO_SPACING, SpacingMm

INSIDE = 0.5  # a cell with at least this probability belongs to the mask
CONTOUR_POINTS = 72  # one every five degrees draws a smooth ellipse at any size on a page
SMALLEST_AREA = 0.01  # of what the model saw; the smallest head of HC18 covers 2.5 %
LARGEST_OUTSIDE = 0.12  # of the ellipse beyond what was seen; with more, the outline is mostly a guess
# Of the ellipse within EDGE_CELLS of the edge of what was seen. Of HC18's 156 validation pictures one has more; of 494
# heads of them that were cut by the picture's or the sector's edge, all but two that still pass for heads.
LARGEST_ALONG_EDGE = 0.1
EDGE_CELLS = 2.0
EDGE_POINTS = 180  # of the ellipse are looked at
ROUNDEST, NARROWEST = 1.0, 0.5  # width to length; heads lie between 0.65 and 0.95 (cephalic index)
ASPECT_TOLERANCE = 0.1  # a picture this close to the model's aspect ratio is squashed, others are padded with black

NOT_WHOLE = sentence(
    "The {name} is not whole in the picture: it lies along the edge, or beyond. So it was not measured. A picture that"
    " shows all of it can be measured."
)

Mask = NDArray[np.float32]  # (rows, columns), the probability of each cell


@dataclass(frozen=True)
class PictureArea:
    """The rectangle that the model saw, in pixels of a picture of `picture_width` x `picture_height`.

    It reaches beyond the picture where black was added to keep the aspect ratio. `box` is the part of the picture that
    shows the body, or None if all of it does: beside it, the model saw black. `outline` has the corners (x, y) of the
    convex part of that box which was scanned, if it is known better.
    """

    left: int
    top: int
    width: int
    height: int
    picture_width: int
    picture_height: int
    box: PixelRegion | None = None
    outline: tuple[tuple[float, float], ...] = ()

    @property
    def seen(self) -> PixelRegion:
        """What the model saw of the picture."""
        return self.box or (0, 0, self.picture_width, self.picture_height)

    def inward(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far inside of what the model saw points (n, 2) lie, in pixels: the distance to its nearest edge, below 0
        outside.
        """
        left, top, right, bottom = self.seen
        corners = np.array(self.outline or ((left, top), (right, top), (right, bottom), (left, bottom)), np.float64)
        sides = np.roll(corners, -1, axis=0) - corners
        lengths = np.hypot(sides[:, 0], sides[:, 1])
        corners, sides, lengths = (part[lengths > 0] for part in (corners, sides, lengths))
        normals = np.stack([-sides[:, 1], sides[:, 0]], axis=1) / lengths[:, np.newaxis]
        normals *= np.sign(((corners.mean(axis=0) - corners) * normals).sum(axis=1, keepdims=True))
        distances: NDArray[np.float64] = np.einsum("nsk,sk->ns", points[:, np.newaxis] - corners, normals).min(axis=1)
        return distances

    def share_along_edge(self, points: NDArray[np.float64], shape: tuple[int, ...], cells: float) -> float:
        """The share of points (n, 2), in pixels, that lie along the edge of what the model saw: within so many `cells`
        of a mask of `shape`, or beyond. What is cut off there often closes before the edge.
        """
        return float((self.inward(points) <= cells * self.width / shape[1]).mean())

    def in_pixels(self, points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Convert points (n, 2) of (x, y) from cells of a mask of `shape` over this area to pixels of the picture."""
        rows, columns = shape
        cell = np.array([self.width / columns, self.height / rows])
        moved: NDArray[np.float64] = points * cell + np.array([self.left, self.top])
        return moved


@dataclass(frozen=True)
class Segmentation:
    """A segmenter's result for one picture.

    `finding` is flagged if an outline was found. `complete` is false if the outline leaves the picture, so that it was
    not measured. `size`, the circumference, ranks the frames of a cine. Of a complete outline it is in mm, though no
    measurement is given that cannot be, or in pixels without a spacing; of one that is not complete, in pixels.
    """

    finding: Finding
    complete: bool
    size: float
    reason: Sentence = Sentence("")


def model_area(box: PixelRegion, picture_size: tuple[int, int], input_aspect: float) -> PictureArea:
    """The area around the image in `box` to show to a model whose input has `input_aspect` (width / height).

    The shape of a head must not change, since it is measured. So an image that is much wider or higher than the model's
    input is extended with black, not squashed. `picture_size` is (height, width).
    """
    left, top, width, height = box[0], box[1], box[2] - box[0], box[3] - box[1]
    aspect = width / height
    if aspect > input_aspect * (1 + ASPECT_TOLERANCE):
        new_height = round(width / input_aspect)
        top, height = top - (new_height - height) // 2, new_height
    elif aspect < input_aspect / (1 + ASPECT_TOLERANCE):
        new_width = round(height * input_aspect)
        left, width = left - (new_width - width) // 2, new_width
    return PictureArea(left, top, width, height, picture_width=picture_size[1], picture_height=picture_size[0], box=box)


def cut(picture: NDArray[np.uint8], area: PictureArea, box: PixelRegion) -> NDArray[np.uint8]:
    """The pixels of `area` (height, width), black outside the image in `box`: the model must not see the text beside an
    ultrasound image.
    """
    left, top, right, bottom = box
    if box == (area.left, area.top, area.left + area.width, area.top + area.height):
        return picture[top:bottom, left:right]
    pixels = np.zeros((area.height, area.width), np.uint8)
    pixels[top - area.top : bottom - area.top, left - area.left : right - area.left] = picture[top:bottom, left:right]
    return pixels


def segment(
    manifest: Manifest,
    outputs: Sequence[NDArray[np.float32]],
    area: PictureArea,
    spacing_mm: SpacingMm | None,
    why_no_spacing: Sentence = NO_SPACING,
) -> Segmentation:
    """The outline and the measurement of one picture.

    `outputs` are the model's dequantized output tensors in the model's order; the mask is (1, rows, columns, 1) with
    probabilities over `area`. `spacing_mm` is (between rows, between columns) of the picture's pixels; without it,
    nothing is measured in millimetres, and `why_no_spacing` is the reason. Raises EngineError if the mask's shape is
    wrong.
    """
    (mask,) = masks_of(manifest, outputs)
    level = INSIDE if manifest.measurement is None else manifest.measurement.level
    outlined = _head(manifest, main_part(mask), area, level, spacing_mm)
    if outlined.complete and spacing_mm is None:
        return replace(outlined, reason=why_no_spacing)
    return outlined


def _head(
    manifest: Manifest, mask: Mask, area: PictureArea, level: float, spacing_mm: SpacingMm | None
) -> Segmentation:
    edge = edge_in_pixels(mask, area, level)
    ellipse = edge.ellipse()
    score = 0.0 if ellipse is None else ellipse_agreement(mask, ellipse, area)
    rule = manifest.finding[0]
    is_there = ellipse is not None and score >= rule.threshold and _is_plausible(ellipse, area)
    finding = finding_of(rule, score, flagged=is_there)
    if ellipse is None or not finding.flagged:
        return Segmentation(finding, complete=False, size=0.0)
    finding = finding.model_copy(update={"contour": (contour_of(ellipse.outline(CONTOUR_POINTS), area),)})
    along_edge = area.share_along_edge(ellipse.outline(EDGE_POINTS), mask.shape, EDGE_CELLS)
    if _fraction_outside(ellipse, area) > LARGEST_OUTSIDE or along_edge > LARGEST_ALONG_EDGE:
        reason = NOT_WHOLE.format(name=known(finding.name).lowered())
        return Segmentation(finding, complete=False, size=ellipse.circumference, reason=reason)
    if spacing_mm is None:
        return Segmentation(finding, complete=True, size=ellipse.circumference)
    in_mm = replace(edge, points=edge.points * np.array([spacing_mm[1], spacing_mm[0]])).ellipse() or ellipse
    return _measured(manifest, finding, in_mm.circumference)


def finding_of(rule: FindingRule, score: float, *, flagged: bool) -> Finding:
    """The finding of `rule` with this score; nothing of it is outlined yet."""
    return Finding(
        name=rule.name,
        code=rule.code,
        score=score,
        threshold=rule.threshold,
        flagged=flagged,
        urgent=flagged and rule.is_urgent(score),
        urgent_threshold=rule.urgent_threshold,
    )


def masks_of(manifest: Manifest, outputs: Sequence[NDArray[np.float32]]) -> tuple[Mask, ...]:
    """The mask of each finding, in the package's order. Raises EngineError if the model's output does not have them."""
    index = manifest.outputs.mask
    if index is None or index >= len(outputs):
        raise EngineError(f"The model has {len(outputs)} outputs, but its package names output {index}.")
    output, findings = outputs[index], len(manifest.finding)
    if output.ndim != 4 or output.shape[0] != 1 or output.shape[3] != findings:
        raise EngineError(f"The model's mask has shape {output.shape}, not (1, rows, columns, {findings}).")
    return tuple(np.ascontiguousarray(output[0, :, :, channel]) for channel in range(findings))


def main_part(mask: Mask, level: float = INSIDE) -> Mask:
    """The mask with only its largest part at `level`, holes in it filled; unchanged if there is no part."""
    return alone(mask, largest_part(mask >= level), level)


def alone(mask: Mask, part: NDArray[np.bool_], level: float) -> Mask:
    """The mask without its other parts at `level`, and with the holes in this one filled."""
    surroundings = np.pad(~part, 1, constant_values=True)
    outside = connected_area(surroundings, (0, 0))[1:-1, 1:-1]
    hole = ~outside & ~part
    beside = outside & (mask >= level)
    cleaned: Mask = np.where(beside, np.float32(0), mask)
    cleaned[hole] = 1.0
    return cleaned


@dataclass(frozen=True)
class Edge:
    """Where a mask crosses a level: `points` (n, 2) as (x, y), and at each how steep the mask is, 0 to 1 per cell."""

    points: NDArray[np.float64]
    steepness: NDArray[np.float64]

    def ellipse(self) -> Ellipse | None:
        """The ellipse that fits best. The steeper the mask, the better its edge is known, so points are weighted by the
        square of the steepness.
        """
        return fit_ellipse(self.points, self.steepness**2)


def edge_in_pixels(mask: Mask, area: PictureArea, level: float) -> Edge:
    """Where the bilinearly enlarged mask over `area` crosses `level`, in pixels of the picture.

    Between two neighbouring cells the enlarged mask is linear, so the crossing is exact at any enlargement. There is no
    crossing where the mask runs into the picture's edge.
    """
    points, steepness = [], []
    for first, second, step in (
        (mask[:, :-1], mask[:, 1:], (1.0, 0.0)),
        (mask[:-1], mask[1:], (0.0, 1.0)),
    ):
        crossing = (first >= level) != (second >= level)
        rows, columns = np.nonzero(crossing)
        before, after = first[crossing].astype(np.float64), second[crossing].astype(np.float64)
        way = (level - before) / (after - before)
        # In cells: a cell's middle is at half.
        points.append(np.stack([columns + 0.5 + way * step[0], rows + 0.5 + way * step[1]], axis=1))
        steepness.append(np.abs(after - before))
    return Edge(area.in_pixels(np.concatenate(points), mask.shape), np.concatenate(steepness))


def ellipse_agreement(mask: Mask, ellipse: Ellipse, area: PictureArea) -> float:
    """How well one ellipse explains the mask, 0 to 1: the Dice overlap of the mask's probabilities with the ellipse.

    A clear mask of one head comes near 1; scattered, faint or odd shapes stay low.
    """
    inside = _cells_inside(ellipse, mask.shape, area)
    total = float(mask.sum()) + float(inside.sum())
    return 2 * float(mask[inside].sum()) / total if total > 0 else 0.0


def _cells_inside(ellipse: Ellipse, shape: tuple[int, ...], area: PictureArea) -> NDArray[np.bool_]:
    rows, columns = shape
    x = area.left + (np.arange(columns) + 0.5) * (area.width / columns)
    y = area.top + (np.arange(rows) + 0.5) * (area.height / rows)
    return ellipse.contains(x[np.newaxis, :], y[:, np.newaxis])


def _is_plausible(ellipse: Ellipse, area: PictureArea) -> bool:
    left, top, right, bottom = area.seen
    covered = math.pi * ellipse.semi_major * ellipse.semi_minor / ((right - left) * (bottom - top))
    return covered >= SMALLEST_AREA and NARROWEST <= ellipse.semi_minor / ellipse.semi_major <= ROUNDEST


def _fraction_outside(ellipse: Ellipse, area: PictureArea) -> float:
    """The share of the ellipse's area outside what was seen, counted on a grid over its bounding square."""
    left, top, right, bottom = area.seen
    reach = ((np.arange(64) + 0.5) / 32 - 1) * ellipse.semi_major
    x, y = ellipse.centre_x + reach[np.newaxis, :], ellipse.centre_y + reach[:, np.newaxis]
    inside = ellipse.contains(x, y)
    within = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    return 1 - float((inside & within).sum()) / float(inside.sum())


def contour_of(points: NDArray[np.float64], area: PictureArea) -> Polygon:
    """Points (n, 2) in pixels as fractions of the picture."""
    fractions = points / np.array([area.picture_width, area.picture_height])
    return tuple((round(float(x), 5), round(float(y), 5)) for x, y in fractions)


def _measured(manifest: Manifest, finding: Finding, size: float) -> Segmentation:
    """The finding with its measurement, from a `size` in mm, unless nothing can be that large or small."""
    rule = manifest.measurement
    if rule is None:
        return Segmentation(finding, complete=True, size=size)
    size = round(rule.offset + rule.slope * size, 1)  # as it is written, so that nothing said of it contradicts that
    if reason := why_impossible(rule, manifest.finding[0], size):
        return Segmentation(finding, complete=True, size=size, reason=reason)
    made = ESTIMATES[rule.estimate](size) if rule.estimate else NO_ESTIMATE
    value = Measurement(name=rule.name, code=rule.code, value=size, unit=rule.unit, estimate=made.value)
    measured = finding.model_copy(update={"measurement": value, "note": made.note})
    return Segmentation(measured, complete=True, size=size)
