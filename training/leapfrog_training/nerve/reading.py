"""Reads nerve pictures as the kiosk does, and compares them with what an annotator drew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from leapfrog.evaluation.masks import Overlap, overlap
from leapfrog.exam import Finding
from leapfrog.reader.assess.free_outlines import free_outlines
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.datasets.nerve import NerveImage, nerve_mask
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.segmentation import as_shown
from leapfrog_training.nerve.manifest import nerve_manifest
from leapfrog_training.progress import each


@dataclass(frozen=True)
class NerveReading:
    """One picture as read: its score, whether the report has an outline, and the overlap of its area with the
    annotator's.
    """

    image: NerveImage
    score: float
    outlined: bool
    overlap: Overlap

    def dice_at(self, threshold: float) -> float:
        """The Dice if outlines with a score below `threshold` were not reported."""
        if self.outlined and self.score < threshold:
            return 0.0 if self.image.has_nerve else 1.0
        return self.overlap.dice


def read_nerves(model: KioskModel, images: Sequence[NerveImage], threshold: float) -> tuple[NerveReading, ...]:
    """Read pictures as the kiosk does, and compare the reported outlines with the annotators'."""
    manifest = nerve_manifest("0", model, threshold)
    aspect = manifest.input.width / manifest.input.height
    readings = []
    for image in each(images, "reading pictures"):
        gray = read_gray(image.path)
        area, pixels = as_shown(gray, aspect)
        (finding,) = free_outlines(manifest, model.run(pixels), area, spacing_mm=None).findings
        compared = overlap(within(finding, *gray.shape), nerve_mask(image))
        readings.append(NerveReading(image, finding.score, finding.flagged, compared))
    return tuple(readings)


def within(finding: Finding, rows: int, columns: int) -> NDArray[np.bool_]:
    """The area inside the reported outlines, at the picture's size; empty without an outline."""
    filled = Image.new("1", (columns, rows))
    for polygon in finding.contour or ():
        # PIL counts from the middle of the first pixel, the contour from its corner.
        points = [(x * columns - 0.5, y * rows - 0.5) for x, y in polygon]
        ImageDraw.Draw(filled).polygon(points, fill=1)
    return np.asarray(filled, dtype=np.bool_)
