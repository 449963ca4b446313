"""What a report says about an exam, selected and in order, before it is put into words. Built once for each report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from leapfrog.exam import Finding, HeatmapPicture, Identity, ImageReading, ModelUsed, whose_exam
from leapfrog.language.sentence import Sentence

Kind = Literal["look", "measured", "nothing_flagged", "not_assessed"]


@dataclass(frozen=True)
class Span:
    """A measurement taken on one or more images: its lowest and highest value, in `unit` (UCUM)."""

    name: str
    unit: str
    lowest: float
    highest: float
    images: int


@dataclass(frozen=True)
class Aid:
    """What packages that only help to find something drew on `images` images: the findings that were `outlined` on
    `outlined_on` of them, those `hatched` for orientation, and those that they looked for and drew nowhere (`missed`).
    `sentences` say what such packages are good for, each once.
    """

    images: int
    outlined_on: int
    outlined: tuple[Finding, ...]
    hatched: tuple[Finding, ...]
    missed: tuple[Finding, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Gist:
    """The most important result of one or more images: findings that need a look come before measurements, and those
    before "nothing flagged".

    `age_not_given`: a model that was made for certain ages read at least one of them without knowing the patient's.
    `cautions` are those of the packages that read them, each once.
    `flagged` has the urgent findings first. `outlined` are outlines that were not measured. Of `images`, `assessed`
    were assessed: "nothing flagged" must never speak for the others. `remarks` are sentences from models and checks;
    the headline shows one of them beside it if there is only one. `aid` is what an aid drew, which is never a result:
    neither its outlines nor their absence count among the others.
    """

    kind: Kind
    images: int
    assessed: int
    urgent: bool = False
    age_not_given: bool = False
    cautions: tuple[str, ...] = ()
    flagged: tuple[Finding, ...] = ()
    spans: tuple[Span, ...] = ()
    outlined: tuple[Finding, ...] = ()
    only_outlines: bool = False
    remarks: tuple[Sentence, ...] = ()
    aid: Aid | None = None


@dataclass(frozen=True)
class ImageContent:
    """One image of a study. `number` counts from 1; `findings` has flagged ones first, then the package's order.

    `plain`, `overlay` and `heatmaps` are those of the reading's pictures that the report shows.
    """

    number: int
    reading: ImageReading
    gist: Gist
    findings: tuple[Finding, ...]
    plain: str | None
    overlay: str | None
    heatmaps: tuple[HeatmapPicture, ...]


@dataclass(frozen=True)
class ReportContent:
    """A whole report. `other_patient_ids` arrived under the same Study Instance UID; "" is an exam without an ID.
    `replaced_models` are those, by name and version, that read an image and of which the box now has another version.
    """

    identity: Identity
    gist: Gist
    images: tuple[ImageContent, ...]
    other_patient_ids: tuple[str, ...]
    replaced_models: tuple[str, ...]
    phantom: bool
    demonstration: bool


def content_of(
    readings: Sequence[ImageReading],
    *,
    other_patient_ids: Sequence[str] = (),
    models_in_use: Mapping[str, str] | None = None,
    include_heatmaps: bool = True,
) -> ReportContent:
    """Everything that one study's report says. `models_in_use` are the versions of the packages that the box has now,
    by name; None where nobody will read the report later.
    """
    return ReportContent(
        identity=whose_exam(readings),
        gist=gist_of(readings),
        images=tuple(_image(number, reading, include_heatmaps) for number, reading in enumerate(readings, start=1)),
        other_patient_ids=tuple(other_patient_ids),
        replaced_models=replaced_models([reading.model for reading in readings if reading.model], models_in_use or {}),
        phantom=any(reading.phantom for reading in readings),
        demonstration=any(reading.model is not None and reading.model.demonstration for reading in readings),
    )


def replaced_models(used: Sequence[ModelUsed], in_use: Mapping[str, str]) -> tuple[str, ...]:
    """Those of `used`, by name and version, of which another version is `in_use`."""
    return tuple(sorted({model.label for model in used if in_use.get(model.name, model.version) != model.version}))


def gist_of(readings: Sequence[ImageReading]) -> Gist:
    """The most important result of these images of one study."""
    assessed = [reading for reading in readings if reading.outcome != "not_assessed"]
    results = [reading for reading in assessed if not is_aid(reading)]
    findings = [finding for reading in results for finding in reading.findings if finding.drawn != "hatched"]
    notes = tuple(finding.note for finding in findings)
    flagged = tuple(sorted((one for one in findings if one.needs_look), key=lambda finding: not finding.urgent))
    spans = _spans(findings)
    outlined = tuple(finding for finding in findings if finding.contour is not None and finding.measurement is None)
    gist = Gist(
        "not_assessed",
        len(readings),
        len(assessed),
        age_not_given=any(reading.age_not_given for reading in assessed),
        cautions=tuple(dict.fromkeys(one.model.caution for one in assessed if one.model and one.model.caution)),
        aid=_aid([reading for reading in assessed if is_aid(reading)]),
    )
    if not assessed:
        return replace(gist, remarks=tuple(reading.reason for reading in readings))
    if flagged:
        urgent = any(finding.urgent for finding in flagged)
        return replace(gist, kind="look", urgent=urgent, flagged=flagged, spans=spans, outlined=outlined)
    if spans or outlined or (gist.aid is not None and gist.aid.outlined):
        reasons = tuple(reading.reason for reading in assessed)
        return replace(gist, kind="measured", spans=spans, outlined=outlined, remarks=reasons + notes)
    # An unflagged finding has no note if a classifier made it, and has one if a segmenter saw nothing to outline.
    only_outlines = bool(notes) and all(notes)
    return replace(gist, kind="nothing_flagged", only_outlines=only_outlines, remarks=notes if only_outlines else ())


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings as a report lists them: flagged ones first, then as the package has them."""
    return tuple(sorted(findings, key=lambda finding: not finding.needs_look))


def is_aid(reading: ImageReading) -> bool:
    """Whether a package that only helps to find something read it, which gives no result."""
    return reading.model is not None and reading.model.aid != ""


def kind_of(finding: Finding) -> Kind:
    """How a single finding is marked."""
    return "look" if finding.needs_look else "measured" if finding.is_outlined else "nothing_flagged"


def _image(number: int, reading: ImageReading, include_heatmaps: bool) -> ImageContent:
    shows_marks = include_heatmaps or any(finding.contour is not None for finding in reading.findings)
    # A single heat map says no more than the overlay does.
    heatmaps = reading.heatmaps if include_heatmaps and len(reading.heatmaps) > 1 else ()
    return ImageContent(
        number=number,
        reading=reading,
        gist=gist_of([reading]),
        findings=in_order(reading.findings),
        plain=reading.plain,
        overlay=reading.overlay if shows_marks else None,
        heatmaps=heatmaps,
    )


def _aid(readings: Sequence[ImageReading]) -> Aid | None:
    if not readings:
        return None
    findings = [finding for reading in readings for finding in reading.findings]
    looked_for = [finding for finding in findings if finding.drawn != "hatched"]
    outlined = tuple(finding for finding in looked_for if finding.contour is not None)
    names = {finding.name for finding in outlined}
    return Aid(
        images=len(readings),
        outlined_on=sum(any(finding in outlined for finding in reading.findings) for reading in readings),
        outlined=outlined,
        hatched=tuple(one for one in findings if one.drawn == "hatched" and one.contour is not None),
        missed=tuple(finding for finding in looked_for if finding.name not in names),
        sentences=tuple(dict.fromkeys(one.model.aid for one in readings if one.model is not None)),
    )


def _spans(findings: Sequence[Finding]) -> tuple[Span, ...]:
    values: dict[tuple[str, str], list[float]] = {}
    for finding in findings:
        if finding.measurement is not None:
            key = (finding.measurement.name, finding.measurement.unit)
            values.setdefault(key, []).append(finding.measurement.value)
    return tuple(Span(*key, min(numbers), max(numbers), len(numbers)) for key, numbers in values.items())
