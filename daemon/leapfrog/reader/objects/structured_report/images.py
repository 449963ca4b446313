"""What is said of each image besides its findings: how the model fared, what it was not made for, why there is none."""

from collections.abc import Iterator, Sequence

from highdicom.sr import (
    AlgorithmIdentification,
    MeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    TrackingIdentifier,
)

from leapfrog.dicom.uids import uid_of
from leapfrog.exam import ImageReading
from leapfrog.language.sentence import Sentence
from leapfrog.reader.objects.structured_report.codes import (
    ALL_FOUND,
    ALL_FOUND_NOTHING,
    COMMENT,
    IMAGE_QUALITY,
    LIMITS,
    MADE_FOR,
    NONE_SUCCEEDED,
    NOT_COVERED,
    NOT_EVALUATED,
    OUTCOME,
    REASON,
    concept,
    text,
)
from leapfrog.reader.objects.structured_report.findings import Group, finding_groups
from leapfrog.reader.objects.structured_report.regions import (
    can_be_evidence,
    can_be_named,
    outlines_of,
    source_image,
)
from leapfrog.wording.content import in_order
from leapfrog.wording.report import NOT_TO_SCALE
from leapfrog.wording.report_words import ImageWords, ReportWords

CANNOT_BE_NAMED = "This image has no valid UIDs, so it cannot be named here: it is the one received from {source}."
ONLY_LISTED = (
    "This is no image of the standard's own classes, so it is named in the list of evidence only: it is the one"
    " received from {source}."
)
# An exam with more findings has no group for each that is absent: the 4,200 of 300 films take a reader longer than it
# may work on a report, which then has nothing at all, and the 840 of 60 films are 1.7 MB.
MOST_FINDINGS = 300
NOT_FOUND = "Looked for and not found in this image: {names}. Scores are left out of an exam with so many images."

LOOKED_HERE = "A region is where the model looked most. It is no outline of the finding."


def groups_of(readings: Sequence[ImageReading], words: ReportWords) -> Iterator[Group]:
    """Everything that is said of the images: those that were assessed in their order, then the others, those together
    for which the reason is the same.
    """
    is_long = sum(len(reading.findings) for reading in readings) > MOST_FINDINGS
    unassessed: dict[str, list[tuple[ImageReading, ImageWords]]] = {}
    for reading, image in zip(readings, words.images, strict=True):
        if reading.outcome == "not_assessed":
            unassessed.setdefault(str(image.not_assessed[0]), []).append((reading, image))
        else:
            rows = list(zip(in_order(reading.findings), image.rows, strict=True))
            short = [
                (finding, row) for finding, row in rows if is_long and not (finding.flagged or finding.is_outlined)
            ]
            yield _assessed(reading, image, words.headline.caution, [row.name for _, row in short])
            for finding, row in rows:
                if (finding, row) not in short:
                    yield from finding_groups(image.number, reading, finding, row)
    for reason, together in unassessed.items():
        yield _not_assessed(reason, together)


def _assessed(reading: ImageReading, image: ImageWords, caution: Sentence, not_found: Sequence[Sentence]) -> Group:
    """`caution` was said of the whole exam; what was `not_found` has no groups of its own."""
    found = any(finding.flagged for finding in reading.findings)
    group = _group(
        [(reading, image)],
        [QualitativeEvaluation(concept(OUTCOME), concept(ALL_FOUND if found else ALL_FOUND_NOTHING))],
    )
    said = [
        (LIMITS, "" if image.headline.caution == caution else image.headline.caution),
        (IMAGE_QUALITY, image.image_check),
        (NOT_COVERED, image.not_covered),
        (MADE_FOR, image.made_for),
        (COMMENT, NOT_FOUND.format(names=", ".join(map(str, not_found))) if not_found else ""),
        (COMMENT, LOOKED_HERE if _shows_rectangles(reading) else ""),
        *((COMMENT, one) for one in (image.model, image.view, image.frames, image.no_place, *_notes(image))),
    ]
    group[0].ContentSequence.extend(text(name, words) for name, words in said if words)
    return group


def _shows_rectangles(reading: ImageReading) -> bool:
    return any(not finding.contour and outlines_of(finding, reading) for finding in reading.findings)


def _notes(image: ImageWords) -> list[Sentence]:
    """Those that do not speak of how the page draws things."""
    return [note for note in image.notes if note != NOT_TO_SCALE]


def _not_assessed(reason: str, together: Sequence[tuple[ImageReading, ImageWords]]) -> Group:
    group = _group(together, [QualitativeEvaluation(concept(OUTCOME), concept(NONE_SUCCEEDED))])
    _, image = together[0]
    group[0].ContentSequence.append(text(REASON, reason))
    group[0].ContentSequence.extend(text(COMMENT, said) for said in image.not_assessed[1:])
    return group


def _group(together: Sequence[tuple[ImageReading, ImageWords]], evaluations: Sequence[QualitativeEvaluation]) -> Group:
    readings = [reading for reading, _ in together]
    first = readings[0]
    names = "; ".join(str(image.title) for _, image in together)
    uid = uid_of(first.identity.study_instance_uid, *(one.sop_instance_uid or one.instance_id for one in readings))
    assessed = first.outcome != "not_assessed"
    group = MeasurementsAndQualitativeEvaluations(
        TrackingIdentifier(uid, names),
        finding_type=None if assessed else concept(NOT_EVALUATED),
        algorithm_id=_algorithm(first),
        qualitative_evaluations=evaluations,
        source_images=[source_image(one) for one in readings if can_be_named(one)] or None,
    )
    unnamed = dict.fromkeys(
        (ONLY_LISTED if can_be_evidence(one) else CANNOT_BE_NAMED).format(source=one.source)
        for one in readings
        if not can_be_named(one)
    )
    group[0].ContentSequence.extend(text(COMMENT, said) for said in unnamed)
    return group


def _algorithm(reading: ImageReading) -> AlgorithmIdentification | None:
    return None if reading.model is None else AlgorithmIdentification(reading.model.name, reading.model.version)
