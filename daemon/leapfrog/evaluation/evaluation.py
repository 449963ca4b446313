"""The whole evaluation of a package on a hospital's own images, as `evaluation.json` keeps it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from leapfrog.errors import UsageError
from leapfrog.evaluation.findings import FindingMeasures, finding_measures
from leapfrog.evaluation.labelled import EvaluatedImage
from leapfrog.evaluation.measured import Portion
from leapfrog.evaluation.scores import portion
from leapfrog.exam import Frozen
from leapfrog.packages.manifest import Manifest

SCHEMA_VERSION = 1


class Setup(Frozen):
    """What was measured where: the package, by the SHA-256 of its `model.toml`, the data and the box. `data` names the
    folder of the data, which has so many `images`, copies among them, and whose table of labels was last changed at
    `labels_changed_at` (ISO 8601; "" for folders that are named by label). `prevalence` is the share of the sick that a
    person expects; None takes that of the images.
    """

    package: str
    version: str
    package_sha256: str
    demonstration: bool
    data: str
    images: int
    labels_changed_at: str
    station: str
    leapfrog: str
    measured_at: str
    prevalence: float | None = None


class Unread(Frozen):
    """Why images were not assessed, and how many: with any finding, without, and of which nothing is known."""

    reason: str
    positives: int
    negatives: int
    unknown: int

    @property
    def images(self) -> int:
        """All of them."""
        return self.positives + self.negatives + self.unknown


class Overall(Frozen):
    """All images together. `healthy` have none of the findings that are known of them, `sick` have any; an image of
    which nothing is known is neither. `by_patient`: somebody said whose the images are.
    """

    images: int
    patients: int
    by_patient: bool
    assessed: int
    healthy_flagged: Portion | None
    healthy_urgent: Portion | None
    sick_flagged: Portion | None
    sick_urgent: Portion | None


class PackageEvaluation(Frozen):
    """All of it. `notes` are sentences on what was left out."""

    schema_version: int = SCHEMA_VERSION
    setup: Setup
    notes: tuple[str, ...]
    overall: Overall
    unread: tuple[Unread, ...]
    findings: tuple[FindingMeasures, ...]
    images: tuple[EvaluatedImage, ...]


def evaluated(
    setup: Setup, manifest: Manifest, images: Sequence[EvaluatedImage], notes: Sequence[str]
) -> PackageEvaluation:
    """Measure what the box said of `images`. Of several copies of one image only the first counts."""
    first = list({image.said.sha256: image for image in reversed(images)}.values())[::-1]
    copies = len(images) - len(first)
    are_copies = "is a copy of another, and was" if copies == 1 else "are copies of others, and were"
    left_out = [f"{copies:,} of the images {are_copies} left out."] if copies else []
    return PackageEvaluation(
        setup=setup,
        notes=(*notes, *left_out),
        overall=_overall(first),
        unread=_unread(first),
        findings=finding_measures(manifest, first, setup.prevalence),
        images=tuple(first),
    )


def read_evaluation(file: Path) -> tuple[PackageEvaluation, bytes]:
    """The evaluation in `file`, an `evaluation.json`, and the bytes of the file. Raises UsageError if it is none."""
    try:
        content = file.read_bytes()
        return PackageEvaluation.model_validate_json(content), content
    except OSError as problem:
        raise UsageError(f"{file} cannot be read: {problem.strerror}.") from problem
    except ValidationError as problem:
        raise UsageError(
            f"{file} is not an evaluation.json that `leapfrog evaluate` of this version wrote. Run it again."
        ) from problem


def _overall(images: Sequence[EvaluatedImage]) -> Overall:
    read = [image for image in images if image.assessed]
    known = [image for image in read if image.labelled.sick is not None]
    sick = np.array([image.labelled.sick for image in known], bool)
    flagged = np.array([any(one.flagged for one in image.said.findings.values()) for image in known], bool)
    urgent = np.array([any(one.urgent for one in image.said.findings.values()) for image in known], bool)
    return Overall(
        images=len(images),
        patients=len({image.patient for image in images}),
        by_patient=any(not image.patient.startswith("\0") for image in images),
        assessed=len(read),
        healthy_flagged=portion(flagged[~sick]),
        healthy_urgent=portion(urgent[~sick]),
        sick_flagged=portion(flagged[sick]),
        sick_urgent=portion(urgent[sick]),
    )


def _unread(images: Sequence[EvaluatedImage]) -> tuple[Unread, ...]:
    """The reasons, the most frequent first."""
    unread = [image for image in images if not image.assessed]
    by_reason = Counter(_why_unread(image) for image in unread)
    by_truth = Counter((_why_unread(image), image.labelled.sick) for image in unread)
    return tuple(
        Unread(
            reason=reason,
            positives=by_truth[reason, True],
            negatives=by_truth[reason, False],
            unknown=by_truth[reason, None],
        )
        for reason, _ in by_reason.most_common()
    )


def _why_unread(image: EvaluatedImage) -> str:
    return f"It was read by {image.said.read_by} instead." if image.said.read_by else image.said.reason
