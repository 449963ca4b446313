"""The one thing that staff need to know of an image or a study, in a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from leapfrog.exam import Finding, ImageReading
from leapfrog.wording.text import clean, count, finding_name, measured, unit

HeadlineKind = Literal["look", "measured", "nothing_flagged", "not_assessed"]

MARKS: dict[HeadlineKind, str] = {"look": "▲", "measured": "●", "nothing_flagged": "○", "not_assessed": "?"}
LONGEST_REMARK = 600  # characters
NOT_RULED_OUT = "This does not rule out disease."
LOOK_YOURSELF = "Look at the picture yourself before you act."
NEEDS_A_PERSON = "No model has looked at this: it needs a person."


@dataclass(frozen=True)
class Headline:
    """A line for staff, and a second one in small. `kind` chooses mark and colour; `urgent` puts it on top."""

    kind: HeadlineKind
    text: str
    detail: str = ""
    urgent: bool = False

    @property
    def mark(self) -> str:
        """A shape that says the kind without colour."""
        return MARKS[self.kind]


def headline_of(readings: Sequence[ImageReading]) -> Headline:
    """The headline of a study, or of one image: what needs a look before what was measured before what is quiet.

    Images that were not assessed are always named, so that "nothing flagged" never speaks for them.
    """
    assessed = [reading for reading in readings if reading.outcome != "not_assessed"]
    if not assessed:
        return _nothing_assessed(readings)
    findings = [finding for reading in assessed for finding in reading.findings]
    flagged = _flagged_names(findings)
    measurements = _measurements(findings)
    missing = _missing(len(readings), len(assessed))
    if flagged:
        verb = "finding needs a look" if len(flagged) == 1 else "findings need a look"
        urgent = any(finding.urgent for finding in findings if is_flagged(finding))
        text = f"{len(flagged)} {verb}: {', '.join(flagged)}"
        details = [*(f"{part}." for part in (*measurements, missing) if part), LOOK_YOURSELF]
        return Headline("look", f"Urgent: {text}" if urgent else text, " ".join(details), urgent)
    if measurements:
        remarks = [reading.reason for reading in assessed] + [finding.note for finding in findings]
        return Headline("measured", "; ".join(part for part in (*measurements, missing) if part), _only(remarks))
    unseen = [finding.note for finding in findings]  # a classifier's finding that is not flagged says nothing here
    only_outlines = bool(unseen) and all(unseen)
    nothing = "Nothing outlined" if only_outlines else "Nothing flagged"
    detail = (_only(unseen) if only_outlines else "") or NOT_RULED_OUT
    return Headline("nothing_flagged", "; ".join(part for part in (nothing, missing) if part), detail)


def is_flagged(finding: Finding) -> bool:
    """Whether the finding calls for a look; an outline or a measurement speaks for itself."""
    return finding.flagged and not is_outlined(finding)


def is_outlined(finding: Finding) -> bool:
    """Whether the finding is an outline or a measurement rather than a yes or no."""
    return finding.contour is not None or finding.measurement is not None


def _nothing_assessed(readings: Sequence[ImageReading]) -> Headline:
    reason = _only([reading.reason for reading in readings])
    return Headline("not_assessed", "Not assessed", f"{reason} {NEEDS_A_PERSON}".strip())


def _only(sentences: Iterable[str]) -> str:
    """The one sentence that is there; empty when there are several, which each image then says for itself."""
    different = {clean(sentence, LONGEST_REMARK) for sentence in sentences if sentence}
    return different.pop() if len(different) == 1 else ""


def _flagged_names(findings: Iterable[Finding]) -> list[str]:
    """Each flagged finding once, urgent ones first."""
    flagged = sorted((finding for finding in findings if is_flagged(finding)), key=lambda finding: not finding.urgent)
    return list(dict.fromkeys(finding_name(finding) for finding in flagged))


def _measurements(findings: Iterable[Finding]) -> list[str]:
    """`Head circumference 175.0 mm`; for several images the span; for an outline without a scale, that."""
    values: dict[tuple[str, str], list[float]] = {}
    outlined: list[str] = []
    for finding in findings:
        if finding.measurement is not None:
            key = (clean(finding.measurement.name), unit(finding.measurement.unit))
            values.setdefault(key, []).append(finding.measurement.value)
        elif finding.contour is not None:
            outlined.append(f"{finding_name(finding)} outlined, not measured")
    spans = [_span(*key, numbers) for key, numbers in values.items()]
    return spans or list(dict.fromkeys(outlined))


def _span(name: str, written_unit: str, numbers: Sequence[float]) -> str:
    lowest, highest = f"{min(numbers):.1f}", f"{max(numbers):.1f}"
    if lowest == highest:
        return f"{name} {lowest} {written_unit}"
    return f"{name} {lowest} to {highest} {written_unit} ({count(len(numbers), 'image')})"


def _missing(images: int, assessed: int) -> str:
    if images == assessed:
        return ""
    verb = "was" if images - assessed == 1 else "were"
    return f"{images - assessed} of {images} images {verb} not assessed"


def result_of(finding: Finding) -> str:
    """A finding's result in words."""
    if finding.measurement is not None:
        return measured(finding.measurement)
    if finding.contour is not None:
        return "outlined"
    if not finding.flagged:
        return "not flagged"
    return "FLAGGED, urgent" if finding.urgent else "FLAGGED"
