"""Each finding as a group of statements: what was looked for, whether it is there, how sure that is, where, how large.

A finding has a group by itself (PS3.16 TID 1501), or with its region on the image (TID 1410). What is absent has one
too, so that it differs from what nobody looked for. Of several outlined parts each has a group of its own besides.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from highdicom.sr import (
    AlgorithmIdentification,
    FindingSite,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    TrackingIdentifier,
)

from leapfrog.exam import Code, Finding, ImageReading, Polygon
from leapfrog.exam import Measurement as Measured
from leapfrog.reader.objects.common_modules import tracking_uid
from leapfrog.reader.objects.structured_report.codes import (
    ABSENT,
    CERTAINTY,
    COMMENT,
    INDETERMINATE,
    PERCENT,
    PRESENCE,
    PRESENT,
    PRIORITY,
    RESULT,
    SITES,
    URGENT,
    concept,
    text,
    unit,
)
from leapfrog.reader.objects.structured_report.regions import (
    can_be_named,
    image_region,
    outlines_of,
    source_image,
)
from leapfrog.wording.content import is_aid
from leapfrog.wording.report_words import FindingRow
from leapfrog.wording.scores import written_score
from leapfrog.wording.text import one_line

FOR_ORIENTATION = "Outlined for orientation only. It is no result."
LONGEST_DS = 16  # characters: PS3.5 Section 6.2
AFTER_TRACKING = 2  # where a person looks first: after the name and the UID by which a group is known

Group = MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations


def finding_groups(number: int, reading: ImageReading, finding: Finding, row: FindingRow) -> Iterator[Group]:
    """The groups of one finding of image `number`; `row` has it in words."""
    tracked = one_line(f"Image {number}: {finding.name}")
    outlines = outlines_of(finding, reading)
    algorithm = _algorithm(reading, finding)
    group = _group(
        TrackingIdentifier(tracking_uid(reading, finding), tracked),
        reading,
        finding,
        algorithm,
        outlines[0] if len(outlines) == 1 else None,
        [_certainty(finding), *_measurements(finding.measurement)],
        [*_presence(reading, finding)],
    )
    group[0].ContentSequence.insert(AFTER_TRACKING, text(RESULT, _result(row)))
    if finding.contour and finding.drawn == "hatched":
        group[0].ContentSequence.append(text(COMMENT, FOR_ORIENTATION))
    if finding.note:
        group[0].ContentSequence.append(text(COMMENT, finding.note))
    yield group
    if len(outlines) > 1:
        parts = finding.measurement.parts if finding.measurement is not None else ()
        for part, outline in enumerate(outlines, start=1):
            identifier = TrackingIdentifier(
                tracking_uid(reading, finding, part), f"{tracked}, part {part} of {len(outlines)}"
            )
            has_size = finding.measurement is not None and len(parts) == len(outlines)
            sizes = [_measured(finding.measurement, parts[part - 1])] if finding.measurement and has_size else []
            yield _group(identifier, reading, finding, algorithm, outline, sizes, [])


def _result(row: FindingRow) -> str:
    """`Nodule: FLAGGED, above the threshold`, or `Nerve area 3.5 mm²`, which has the name already."""
    return row.graded if row.graded.startswith(row.name) else f"{row.name}: {row.graded}"


def _group(
    tracking: TrackingIdentifier,
    reading: ImageReading,
    finding: Finding,
    algorithm: AlgorithmIdentification | None,
    outline: Polygon | None,
    measurements: Sequence[Measurement],
    evaluations: Sequence[QualitativeEvaluation],
) -> Group:
    site = SITES.get((finding.code.scheme, finding.code.value))
    sites = None if site is None else [FindingSite(concept(site))]
    if outline is not None:
        return PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking,
            image_region(outline, reading),
            finding_type=concept(finding.code),
            finding_sites=sites,
            algorithm_id=algorithm,
            measurements=measurements,
            qualitative_evaluations=evaluations,
        )
    return MeasurementsAndQualitativeEvaluations(
        tracking,
        finding_type=concept(finding.code),
        finding_sites=sites,
        algorithm_id=algorithm,
        measurements=measurements,
        qualitative_evaluations=evaluations,
        source_images=[source_image(reading)] if can_be_named(reading) else None,
    )


def _algorithm(reading: ImageReading, finding: Finding) -> AlgorithmIdentification | None:
    """The model that looked for it, with the thresholds that were applied as its parameters."""
    if reading.model is None:
        return None
    parameters = [f"threshold={finding.threshold!r}"]
    if finding.urgent_threshold is not None:
        parameters.append(f"urgent_threshold={finding.urgent_threshold!r}")
    if finding.set_here is not None:
        parameters.append(f"package_threshold={finding.set_here.package_threshold!r}")
    return AlgorithmIdentification(reading.model.name, reading.model.version, parameters)


def _presence(reading: ImageReading, finding: Finding) -> Iterator[QualitativeEvaluation]:
    is_urgent = finding.urgent and finding.needs_look
    yield QualitativeEvaluation(concept(PRESENCE), concept(_present(reading, finding)))
    if is_urgent:
        yield QualitativeEvaluation(concept(PRIORITY), concept(URGENT))


def _present(reading: ImageReading, finding: Finding) -> Code:
    if finding.flagged or finding.is_outlined:
        return PRESENT
    return INDETERMINATE if is_aid(reading) else ABSENT  # an aid that draws nothing says nothing


def _certainty(finding: Finding) -> Measurement:
    """The score: for programs as it is, for people with the digits that it has in the report."""
    certainty = Measurement(concept(CERTAINTY), finding.score * 100, concept(PERCENT))
    shown = (Decimal(written_score(finding).score) * 100).normalize()
    certainty[0].MeasuredValueSequence[0].NumericValue = f"{shown:f}"[:LONGEST_DS]
    return certainty


def _measurements(measured: Measured | None) -> Iterator[Measurement]:
    if measured is None:
        return
    yield _measured(measured, measured.value)
    if (made := measured.estimate) is not None:
        yield Measurement(concept(made.code), made.value, unit(made.unit), method=concept(made.method))


def _measured(measured: Measured, value: float) -> Measurement:
    code = measured.code or Code(value="MEASURED", scheme="99LEAPFROG", meaning=measured.name)
    return Measurement(concept(code), value, unit(measured.unit))
