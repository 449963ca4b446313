"""Makes the summary of an exam from its readings."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from leapfrog.exam import Finding, Identity, ImageReading, whose_exam
from leapfrog.signed_summary.letters import in_code
from leapfrog.signed_summary.patient_number import hashed
from leapfrog.signed_summary.summary import (
    GRADES,
    NOTES,
    Grade,
    GradedFinding,
    HashedNumber,
    ModelSummary,
    Note,
    Summary,
)

# A radiograph shows features; pneumonia is a diagnosis that needs the patient as well.
CAREFUL_NAMES = {("SCT", "233604007"): "FEATURES SEEN IN PNEUMONIA"}


def summary_of(
    readings: Sequence[ImageReading],
    *,
    exam_number: str,
    report_version: int,
    received_at: str,
    shared: bool,
    hash_number: Callable[[str], HashedNumber] = hashed,
) -> Summary:
    """What the readings of one exam say. `received_at` is ISO 8601; `shared`: another patient has the same study.
    `hash_number` hashes the patient's number, which takes long.
    """
    identity = whose_exam(readings)
    exam_date = _date(identity)
    return Summary(
        exam_number=exam_number,
        report_version=report_version,
        date=exam_date or received_at[:10],
        date_received=not exam_date,
        notes=tuple(sorted(_notes(readings, shared), key=NOTES.index)),
        models=tuple(_models(readings)),
        number=hash_number(identity.patient_id) if identity.patient_id.strip() else None,
    )


def _date(identity: Identity) -> str:
    digits = identity.study_date.replace(".", "").replace("-", "").strip()
    if len(digits) != 8 or not digits.isascii() or not digits.isdigit():
        return ""
    try:
        return date.fromisoformat(digits).isoformat()
    except ValueError:  # a device without a clock, such as 0000-00-00
        return ""


def _notes(readings: Sequence[ImageReading], shared: bool) -> Iterator[Note]:
    not_assessed = [reading.outcome == "not_assessed" for reading in readings]
    if any(reading.phantom for reading in readings):
        yield "PHANTOM"
    if any(reading.model is not None and reading.model.demonstration for reading in readings):
        yield "DEMO"
    if any(reading.age_not_given for reading in readings):
        yield "AGE NOT GIVEN"
    if shared or _disagree(readings):
        yield "CHECK WHOSE"
    if all(not_assessed):
        yield "NOT ASSESSED"
    elif any(not_assessed):
        yield "PARTLY NOT ASSESSED"


def _disagree(readings: Sequence[ImageReading]) -> bool:
    """Whether the images of the exam name different people."""
    names = {" ".join(reading.identity.patient_name.replace("^", " ").split()) for reading in readings} - {""}
    births = {reading.identity.birth_date.replace(".", "").strip() for reading in readings} - {""}
    return len(names) > 1 or len(births) > 1


def _models(readings: Iterable[ImageReading]) -> Iterator[ModelSummary]:
    by_model: dict[str, list[ImageReading]] = {}
    for reading in readings:
        if reading.model is not None and reading.outcome != "not_assessed":
            by_model.setdefault(reading.model.label, []).append(reading)
    for label, ones in by_model.items():
        yield ModelSummary(model=in_code(label), findings=tuple(_findings(ones)))


def _findings(readings: Iterable[ImageReading]) -> list[GradedFinding]:
    """Each finding once, where it is most important; each measurement by itself. The most important come first."""
    best: dict[str, GradedFinding] = {}
    for reading in readings:
        is_aid = reading.model is not None and reading.model.aid != ""
        for finding in reading.findings:
            grade = _grade(finding, is_aid=is_aid)
            name = _name(finding)
            key = name if grade != "MEASURED" else f"MEASURED {name}"
            if key not in best or GRADES.index(grade) < GRADES.index(best[key].grade):
                best[key] = GradedFinding(grade=grade, name=name)
    return sorted(best.values(), key=lambda one: GRADES.index(one.grade))


def _grade(finding: Finding, *, is_aid: bool) -> Grade:
    if finding.measurement is not None:
        return "MEASURED"
    if finding.contour is not None:
        return "HATCHED" if finding.drawn == "hatched" else "OUTLINED"
    if finding.flagged:
        return "URGENT" if finding.urgent else "FLAGGED"
    return "NOT OUTLINED" if is_aid else "NOT FLAGGED"


def _name(finding: Finding) -> str:
    """In the letters of a code: a name in others is told by its code, such as `SCT 60046008`."""
    if finding.measurement is not None:
        measured, code = finding.measurement, finding.measurement.code or finding.code
        name = in_code(measured.name) or _coded(code.scheme, code.value)
        return f"{name} {measured.value:.1f} {in_code(measured.unit)}"
    code = finding.code
    return CAREFUL_NAMES.get((code.scheme, code.value)) or in_code(finding.name) or _coded(code.scheme, code.value)


def _coded(scheme: str, value: str) -> str:
    return in_code(f"{scheme} {value}") or "FINDING"
