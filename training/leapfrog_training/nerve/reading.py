"""Reads ultrasound pictures as the kiosk does, and compares what it draws with what annotators drew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from leapfrog.evaluation.masks import Overlap, overlap
from leapfrog.exam import Finding
from leapfrog.packages.manifest import Manifest, ModelInput
from leapfrog.reader.assess.outlines.free_outlines import free_outlines
from leapfrog.reader.assess.outlines.segmentation import PictureArea
from leapfrog.reader.assess.shown_picture import shown_to_segmenter
from leapfrog.reader.image.fields.scan_field import scan_field
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.datasets.nerve_picture import NervePicture, nerve_mask, vessel_mask
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.nerve.crops import nerve_free_parts
from leapfrog_training.nerve.manifest import NERVE, VESSEL
from leapfrog_training.progress import each

RIGHT = 0.5  # of an outline's area is nerve: with less, it is counted as wrong

Gray = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Answer:
    """What a network answered: the area of a picture that it saw, and its outputs as real numbers, in its order."""

    area: PictureArea
    outputs: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class NerveAnswer:
    """The answer for a picture of a data set."""

    picture: NervePicture
    answer: Answer


@dataclass(frozen=True)
class NerveReading:
    """One picture as read. `nerve` and `vessel` compare all that is drawn of each with the annotator's; `vessel` is
    None where the set does not draw vessels. Of the outlined nerves, `right` has for each whether at least half of its
    area is nerve.
    """

    picture: NervePicture
    findings: tuple[Finding, ...]
    nerve: Overlap
    vessel: Overlap | None
    right: tuple[bool, ...]

    @property
    def is_outlined(self) -> bool:
        """Whether a nerve is outlined."""
        return bool(self.right)


def answered(model: KioskModel, gray: Gray) -> Answer:
    """Show a picture to the model as the kiosk does: the scan in it."""
    _, height, width, _ = model.input.shape
    area, pixels = shown_to_segmenter(ModelInput(height=height, width=width, field="scan"), gray)
    return Answer(area, model.run(pixels))


def nerve_answers(model: KioskModel, pictures: Sequence[NervePicture]) -> tuple[NerveAnswer, ...]:
    """Show each picture to the model."""
    return tuple(
        NerveAnswer(picture, answered(model, read_gray(picture.path))) for picture in each(pictures, "reading pictures")
    )


def answers_without_nerve(model: KioskModel, pictures: Sequence[NervePicture]) -> tuple[Answer, ...]:
    """The answers for the parts of pictures beside their nerves, each shown as if it were all that was scanned."""
    return tuple(
        answered(model, np.ascontiguousarray(gray[top:bottom, left:right]))
        for picture in each(pictures, "reading parts without a nerve")
        if picture.has_nerve
        for gray in (read_gray(picture.path),)
        for left, top, right, bottom in nerve_free_parts(nerve_mask(picture), scan_field(gray))
    )


def findings_in(manifest: Manifest, answer: Answer) -> tuple[Finding, ...]:
    """What the kiosk draws."""
    return free_outlines(manifest, answer.outputs, answer.area, spacing_mm=None).findings


def has_nerve(manifest: Manifest, answer: Answer) -> bool:
    """Whether the kiosk outlines a nerve."""
    return any(finding.flagged for finding in findings_in(manifest, answer) if finding.name == NERVE)


def nerve_score(manifest: Manifest, answer: Answer) -> float:
    """How sure the model is of the surest nerve: it is outlined if this reaches the threshold. 0 without any."""
    return next(finding.score for finding in findings_in(manifest, answer) if finding.name == NERVE)


def read_nerves(manifest: Manifest, answers: Iterable[NerveAnswer]) -> tuple[NerveReading, ...]:
    """Read answers as the kiosk does."""
    return tuple(_read(manifest, one.picture, findings_in(manifest, one.answer)) for one in answers)


def _read(manifest: Manifest, picture: NervePicture, findings: tuple[Finding, ...]) -> NerveReading:
    truth = nerve_mask(picture)
    outlines = {finding.name: _filled(finding, truth.shape) for finding in findings}
    drawn = outlines[NERVE]
    tells_vessels = picture.tells_vessels and VESSEL in outlines
    return NerveReading(
        picture=picture,
        findings=findings,
        nerve=overlap(_together(drawn, truth.shape), truth),
        vessel=overlap(_together(outlines[VESSEL], truth.shape), vessel_mask(picture)) if tells_vessels else None,
        right=tuple(bool((outline & truth).sum() >= RIGHT * outline.sum()) for outline in drawn),
    )


def _filled(finding: Finding, shape: tuple[int, int]) -> tuple[Mask, ...]:
    """The area inside each drawn outline of a finding, at the picture's size."""
    return tuple(_inside(polygon, shape) for polygon in finding.contour or ())


def _inside(polygon: Sequence[tuple[float, float]], shape: tuple[int, int]) -> Mask:
    rows, columns = shape
    filled = Image.new("1", (columns, rows))
    # PIL counts from the middle of the first pixel, the outline from its corner.
    ImageDraw.Draw(filled).polygon([(x * columns - 0.5, y * rows - 0.5) for x, y in polygon], fill=1)
    return np.asarray(filled, dtype=np.bool_)


def _together(outlines: Sequence[Mask], shape: tuple[int, int]) -> Mask:
    return np.asarray(np.logical_or.reduce([np.zeros(shape, np.bool_), *outlines]))
