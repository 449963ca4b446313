"""Checks the text of a sheet's code."""

from leapfrog.commands.stations import KnownStations
from leapfrog.commands.verify.outcome import Outcome, Patient
from leapfrog.errors import NotASummary
from leapfrog.signed_summary.patient_number import is_of
from leapfrog.signed_summary.signing import Checked, check_text
from leapfrog.signed_summary.summary import Summary
from leapfrog.wording.verify_words import (
    ASK_PATIENT_ID,
    BROKEN,
    CODE_SAYS,
    NO_NUMBER,
    OTHER_NUMBER,
    SAME_NUMBER,
    compare_line,
    summary_lines,
)


def verify_code(text: str, patient_id: str | None, stations: KnownStations) -> Outcome:
    """Whether `text` is what a known station signed, and of the patient with that number, if one is given."""
    try:
        checked = check_text(text, stations.keys)
    except NotASummary as problem:
        return Outcome("code", trusted=False, lines=(str(problem),))
    station = stations.name(checked.key_id)
    said = _said(checked, station)
    if checked.summary is None:
        return Outcome("code", False, (said,), checked.verdict, station, checked.key_id)
    patient = _compared(checked.summary, patient_id)
    sentences = {"same": SAME_NUMBER, "another": OTHER_NUMBER, "no number": NO_NUMBER, "not compared": ASK_PATIENT_ID}
    return Outcome(
        "code",
        trusted=patient in ("same", "not compared"),
        lines=(said, *summary_lines(checked.summary), compare_line(checked.summary, station), sentences[patient]),
        verdict=checked.verdict,
        station=station,
        key=checked.key_id,
        patient=patient,
        summary=checked.summary,
    )


def _said(checked: Checked, station: str) -> str:
    if checked.verdict == "tampered" and not station:
        return BROKEN
    return CODE_SAYS[checked.verdict].format(station=station, key=checked.key_id)


def _compared(summary: Summary, patient_id: str | None) -> Patient:
    if patient_id is None:
        return "not compared"
    if summary.number is None:
        return "no number"
    return "same" if is_of(patient_id, summary.number) else "another"
