"""What a model package finds in one frame, and which frame of a cine is reported."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from leapfrog.errors import PackageError
from leapfrog.exam import Device, Finding, FrontalView, Outcome, Quality
from leapfrog.language.sentence import Sentence, known, sentence
from leapfrog.packages.manifest import Manifest, ModelInput
from leapfrog.packages.package import ModelPackage
from leapfrog.reader.assess.check_in_front.checks import load_check
from leapfrog.reader.assess.classification import classify
from leapfrog.reader.assess.outlines.free_outlines import FreeOutlines, free_outlines
from leapfrog.reader.assess.outlines.mirrored import averaged
from leapfrog.reader.assess.outlines.segmentation import PictureArea, segment
from leapfrog.reader.assess.shown_picture import field_seen, shown_to_model, shown_to_segmenter
from leapfrog.reader.image.pixels import PixelRegion, model_input
from leapfrog.reader.image.spacing import NO_SPACING, SpacingMm

NOT_SEEN = sentence("No {name} was recognised in the picture. It may still be there.")
UNLIKE = sentence("The picture does not look like those that this model was made for.")
NOTHING_OUTLINED = sentence(
    "No {name} was recognised in the picture, so nothing was measured. A picture that shows the whole outline can be"
    " measured."
)


_check_of = cache(load_check)


class Models(Protocol):
    """Runs the models: a ModelBench, or a stand-in that measures the reading path."""

    def device_of(self, package: ModelPackage) -> Device:
        """The device that the model of `package` runs on, once it has answered."""

    def infer(self, package: ModelPackage, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """The model's outputs, as real numbers and in its order, for a picture (height, width) of its input size."""


@dataclass(frozen=True)
class GrayFrame:
    """One frame to assess: the displayed picture in gray (H, W), the `area` that shows the body, in pixels, and the
    millimetres between rows and between columns in the patient, if they are known; `why_no_spacing` if not. The image
    itself says that it is of the `stated_view`.
    """

    gray: NDArray[np.uint8]
    area: PixelRegion
    spacing_mm: SpacingMm | None = None
    why_no_spacing: Sentence = NO_SPACING
    stated_view: FrontalView | None = None


@dataclass(frozen=True)
class Assessment:
    """What a package found in one frame. `heatmaps`, by finding, are (rows, columns) of 0 to 1 over the whole picture.

    `weight` ranks the frames of one image: how far the highest score is above its threshold or, for an outlined head,
    its size. `measured`: the head's outline is whole, so that its size can be compared with those of other such frames.
    `alike` is how alike a segmenter's outlines in the picture's mirror images were, 0 to 1; 1 where it was not asked.
    `view` is what the model took a film for, if it tells.
    """

    outcome: Outcome
    reason: Sentence = Sentence("")
    quality: Quality | None = None
    findings: tuple[Finding, ...] = ()
    heatmaps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    measured: bool = False
    weight: float = 0.0
    alike: float = 1.0
    view: FrontalView | None = None


def assess(package: ModelPackage, models: Models, frame: GrayFrame) -> Assessment:
    """Check the quality of one frame, then run the package's model on it.

    Raises PackageError if the package cannot be run here, EngineError if the engine fails.
    """
    manifest = package.manifest
    if manifest.task == "segmentation":
        area, shown, picture = _shown_to_segmenter(manifest.input, frame)
    else:
        field, shown, picture = _shown_to_classifier(manifest.input, frame)
    quality = _checked(package, picture, shown)
    if quality is not None and not quality.acceptable:
        return Assessment("not_assessed", quality.detail or UNLIKE, quality)
    outputs = models.infer(package, picture)
    if manifest.task == "classification":
        classification = classify(manifest, outputs, frame.stated_view).over_whole(field, frame.gray.shape)
        findings = tuple(_as_set_here(package, finding, classification.view) for finding in classification.findings)
        outcome: Outcome = "findings" if any(finding.flagged for finding in findings) else "nothing_found"
        weight = max((finding.score - finding.threshold for finding in findings), default=0.0)
        return Assessment(
            outcome, Sentence(""), quality, findings, classification.heatmaps, weight=weight, view=classification.view
        )
    if manifest.measures_area:
        outlines = free_outlines(manifest, outputs, area, frame.spacing_mm, frame.why_no_spacing)
        outlined = tuple(_as_set_here(package, finding, None) for finding in outlines.findings)
        return _outlined(replace(outlines, findings=outlined), quality)
    alike = 1.0
    segmentation = segment(manifest, outputs, area, frame.spacing_mm, frame.why_no_spacing)
    if segmentation.finding.flagged and _is_mirrored(manifest):
        mean = averaged(partial(models.infer, package), picture, outputs, manifest.outputs.mask or 0)
        alike = mean.alike
        segmentation = segment(manifest, mean.outputs, area, frame.spacing_mm, frame.why_no_spacing)
    segmentation = replace(segmentation, finding=_as_set_here(package, segmentation.finding, None))
    if not segmentation.finding.flagged:
        reason = NOTHING_OUTLINED.format(name=known(segmentation.finding.name).lowered())
        return Assessment("not_assessed", reason, quality, weight=segmentation.finding.score)
    return Assessment(
        "findings",
        segmentation.reason,
        quality,
        (segmentation.finding,),
        measured=segmentation.complete,
        weight=segmentation.size,
        alike=alike,
    )


def _as_set_here(package: ModelPackage, finding: Finding, view: FrontalView | None) -> Finding:
    """The finding, which says so if its threshold was set at this box."""
    setting = next((one for one in package.local_thresholds if one.is_of(finding.name, view)), None)
    return finding if setting is None else finding.model_copy(update={"set_here": setting.shown()})


def load_checks(packages: Iterable[ModelPackage]) -> None:
    """Load what looks at pictures before the models of `packages` do, so that the first image is as fast as the tenth.
    What cannot be loaded is told when an image needs it.
    """
    for package in packages:
        if package.quality_path is not None:
            with suppress(PackageError):
                _check_of(package.quality_path, (package.manifest.input.height, package.manifest.input.width))


def accepts(package: ModelPackage, frame: GrayFrame) -> bool:
    """Whether the quality check of the package takes the frame for a picture such as its model was made for; not if it
    has none. The model does not run.

    Raises PackageError if the check cannot be used.
    """
    taken = package.manifest.input
    is_segmenter = package.manifest.task == "segmentation"
    _, shown, picture = _shown_to_segmenter(taken, frame) if is_segmenter else _shown_to_classifier(taken, frame)
    quality = _checked(package, picture, shown)
    return quality is not None and quality.acceptable


def _shown_to_segmenter(
    taken: ModelInput, frame: GrayFrame
) -> tuple[PictureArea, NDArray[np.uint8], NDArray[np.uint8]]:
    """Where in the picture lies what the model is shown, its displayed pixels, and those in the model's input size."""
    area, shown = shown_to_segmenter(taken, frame.gray, frame.area)
    return area, shown, model_input(shown, taken.height, taken.width)


def _shown_to_classifier(
    taken: ModelInput, frame: GrayFrame
) -> tuple[PixelRegion, NDArray[np.uint8], NDArray[np.uint8]]:
    """The same for a classifier."""
    field = field_seen(taken, frame.gray, frame.area)
    shown = frame.gray[field[1] : field[3], field[0] : field[2]]
    return field, shown, shown_to_model(taken, frame.gray, field=field)


def _checked(package: ModelPackage, picture: NDArray[np.uint8], shown: NDArray[np.uint8]) -> Quality | None:
    return (
        None if package.quality_path is None else _check_of(package.quality_path, picture.shape).check(picture, shown)
    )


def _outlined(outlines: FreeOutlines, quality: Quality | None) -> Assessment:
    """A picture without a nerve is a good picture; and what is hatched is neither a result nor missing.

    Of a cine, the frame is reported in which the model is surest of what is outlined.
    """
    looked_for = [finding for finding in outlines.findings if finding.drawn == "outline"]
    findings = tuple(
        finding.model_copy(update={"note": NOT_SEEN.format(name=known(finding.name).lowered())})
        if finding in looked_for and not finding.flagged
        else finding
        for finding in outlines.findings
    )
    outcome: Outcome = "findings" if any(finding.flagged for finding in looked_for) else "nothing_found"
    weight = max(finding.score - finding.threshold for finding in looked_for)
    return Assessment(outcome, outlines.reason, quality, findings, weight=weight)


def _is_mirrored(manifest: Manifest) -> bool:
    return manifest.measurement is not None and manifest.measurement.mirrored


def reported_area(assessments: Sequence[Assessment]) -> Assessment:
    """Of several parts of one picture, such as the two of a dual picture, the one that is reported for it: one with a
    measurement before one without, since their sizes cannot be compared, then the largest.
    """
    return max(assessments, key=lambda one: (_rank(one), _has_measurement(one), one.weight))


def reported_frame(assessments: Sequence[Assessment]) -> int:
    """The index of the frame that is reported for the whole image: for a classification, the one whose highest score is
    furthest above its threshold, since a finding in any frame counts; for free outlines, the one in which the model is
    surest. Which frame of a sweep through a head is reported: `sweep.py`.
    """
    return max(range(len(assessments)), key=lambda index: (_rank(assessments[index]), assessments[index].weight))


def _has_measurement(assessment: Assessment) -> bool:
    return any(finding.measurement is not None for finding in assessment.findings)


def _rank(assessment: Assessment) -> tuple[int, bool, bool]:
    outcomes: tuple[Outcome, ...] = ("not_assessed", "nothing_found", "findings")
    acceptable = assessment.quality is None or assessment.quality.acceptable
    return outcomes.index(assessment.outcome), assessment.measured, acceptable
