"""Reads pictures of HC18 as the kiosk does, and compares them with what an annotator drew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.evaluation.masks import Overlap, overlap
from leapfrog.exam import Finding
from leapfrog.packages.manifest import Manifest, ModelInput
from leapfrog.reader.assess.outlines.mirrored import averaged
from leapfrog.reader.assess.outlines.segmentation import INSIDE, PictureArea, edge_in_pixels, main_part, segment
from leapfrog.reader.assess.shown_picture import shown_to_segmenter
from leapfrog.reader.image.pixels import model_input
from leapfrog_training.datasets.hc18 import HeadImage, filled_outline, outline
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.progress import each


@dataclass(frozen=True)
class HeadAnswer:
    """A picture, the area of it that a network saw, and the network's outputs as real numbers, in the model's order."""

    image: HeadImage
    area: PictureArea
    outputs: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class HeadReading:
    """What the kiosk reports for one picture, and two overlaps with the annotator's filled outline at the picture's
    size: that of the ellipse that the kiosk fits, whether or not it reports it, and that of the network's mask.
    """

    image: HeadImage
    finding: Finding
    overlap: Overlap
    mask_overlap: Overlap

    @property
    def error_mm(self) -> float | None:
        """The error of the head circumference, measured minus true; None if the kiosk measures none."""
        return error_mm(self.finding, self.image)


def head_answers(model: KioskModel, images: Sequence[HeadImage]) -> tuple[HeadAnswer, ...]:
    """Show each picture to the model as the kiosk does."""
    return tuple(head_answer(model, image, read_gray(image.path)) for image in each(images, "reading pictures"))


def head_answer(model: KioskModel, image: HeadImage, gray: NDArray[np.uint8]) -> HeadAnswer:
    """Show `gray`, which is the picture or made from it, to the model as the kiosk does: the scan alone, and its mirror
    images.
    """
    _, height, width, _ = model.input.shape
    area, shown = shown_to_segmenter(ModelInput(height=height, width=width, field="scan"), gray)
    picture = model_input(shown, height, width)
    return HeadAnswer(image, area, averaged(model.run, picture, model.run(picture), model.output_of_rank(4)).outputs)


def kiosk_finding(manifest: Manifest, answer: HeadAnswer) -> Finding:
    """What the kiosk reports for a picture."""
    spacing_mm = (answer.image.pixel_size_mm, answer.image.pixel_size_mm)
    return segment(manifest, answer.outputs, answer.area, spacing_mm).finding


def error_mm(finding: Finding, image: HeadImage) -> float | None:
    """The error of the head circumference, measured minus true; None if the kiosk measures none."""
    return None if finding.measurement is None else finding.measurement.value - image.head_circumference_mm


def read_head(manifest: Manifest, answer: HeadAnswer) -> HeadReading:
    """Read a network's answer as the kiosk does, and compare it with the picture's outline."""
    mask = main_part(answer.outputs[manifest.outputs.mask or 0][0, :, :, 0])
    rule = manifest.measurement
    truth = filled_outline(outline(answer.image))
    return HeadReading(
        image=answer.image,
        finding=kiosk_finding(manifest, answer),
        overlap=overlap(_filled_ellipse(mask, answer.area, INSIDE if rule is None else rule.level), truth),
        mask_overlap=overlap(_enlarged(mask, answer.area), truth),
    )


def _filled_ellipse(mask: NDArray[np.float32], area: PictureArea, level: float) -> NDArray[np.bool_]:
    """The pixels whose middle is inside the ellipse of the kiosk's contour; none if no ellipse fits."""
    ellipse = edge_in_pixels(mask, area, level).ellipse()
    y, x = np.ogrid[: area.picture_height, : area.picture_width]
    if ellipse is None:
        return np.zeros((area.picture_height, area.picture_width), np.bool_)
    return ellipse.contains(x + 0.5, y + 0.5)


def _enlarged(mask: NDArray[np.float32], area: PictureArea) -> NDArray[np.bool_]:
    """The mask at the picture's size, cut at one half."""
    enlarged = Image.fromarray(mask).resize((area.width, area.height), Image.Resampling.BILINEAR)
    picture = Image.new("F", (area.picture_width, area.picture_height))
    picture.paste(enlarged, (area.left, area.top))  # a part of the picture, or more than all of it
    return np.asarray(np.asarray(picture) >= INSIDE)
