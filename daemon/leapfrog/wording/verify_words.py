"""What `leapfrog verify` says: of a code, of a report on disk, and of whose they are."""

from collections.abc import Mapping

from leapfrog.signed_summary.signing import Verdict
from leapfrog.signed_summary.summary import Grade, ModelSummary, Note, Summary

THIS_BOX = "this box"
OLD_KEY = "this box, with a key that it no longer has"

CODE_SAYS: Mapping[Verdict, str] = {
    "genuine": "Signed by {station}, and nothing in it was changed.",
    "tampered": "Do not trust it: it names the key of {station}, but this is not what {station} signed. It was changed"
    " or copied with a mistake.",
    "unknown": "Nobody here can tell whether it is true: it was signed with the key {key}, which is of no station that"
    " is known here. Ask the clinic named on the sheet for its public key, and name the folder with --stations.",
    "foreign": "This is no code of Leapfrog, so it says nothing about an exam.",
}
BROKEN = "Do not trust it: it begins as a code of Leapfrog does, and its end is missing or damaged."
REPORT_SAYS: Mapping[Verdict, str] = {
    "genuine": "Signed by {station}, and nothing in report.json was changed.",
    "tampered": "Do not trust it: its signature names the key of {station}, but this report.json is not what {station}"
    " signed.",
    "unknown": "Nobody here can tell whether it is true: it was signed with the key {key}, which is of no station that"
    " is known here. Ask the clinic that it is from for its public key, and name the folder with --stations.",
    "foreign": "The signature beside it (report.json.sig) is damaged, so nobody can tell whether it is true.",
}
NOT_SIGNED = (
    "It is not signed: there is no report.json.sig beside it. `leapfrog read` signs nothing, nor does a box without a"
    " station key or an older Leapfrog; or somebody took the signature away."
)
FILES_WHOLE = "Its files are as report.json lists them: {count}."
FILE_CHANGED = "Do not trust {name}: it is not the file that report.json lists."
FILE_MISSING = "{name} is missing."
FILE_ELSEWHERE = "Do not trust it: it lists something that is no file in its folder."
FILE_NOT_LISTED = "Do not trust {name}: it lies in the folder of the report, and report.json does not list it."

EXAM = "Exam {exam}, version {version} of its report, exam date {date}"
EXAM_RECEIVED = "Exam {exam}, version {version} of its report, received on {date}"
MODEL = "Read by {model}:"
GRADES: Mapping[Grade, str] = {
    "URGENT": "  URGENT: {names}",
    "FLAGGED": "  FLAGGED: {names}",
    "MEASURED": "  Measured: {names}",
    "OUTLINED": "  Outlined: {names}",
    "HATCHED": "  Hatched: {names}",
    "NOT FLAGGED": "  Not flagged, not ruled out: {names}",
    "NOT OUTLINED": "  Not outlined, may still be there: {names}",
}
LEFT_OUT = "The code has no room for more that was looked for, none of it flagged: {count}. The sheet has it."
NOTES: Mapping[Note, str] = {
    "PHANTOM": "A phantom: a test image made by a program. There is no patient.",
    "CHECK WHOSE": "Check whose exam this is: its images may be of several people.",
    "AGE NOT GIVEN": "The age is not given: this holds for adults only.",
    "NOT ASSESSED": "Not assessed: no model gave a result.",
    "PARTLY NOT ASSESSED": "Not all images were assessed.",
    "DEMO": "Demonstration model: this is not a diagnosis.",
}

SAME_NUMBER = "The patient's number is the one that the exam came with."
OTHER_NUMBER = "Not this patient: the exam came with another number, or this number has a mistake in it."
NO_NUMBER = "The exam came without a patient's number, so that cannot be compared."
# Every box gives its exams the same series of numbers: the number alone tells no sheet from that of another box.
COMPARE = (
    "Compare the exam number on the sheet: it must be {exam}. Compare the station ({station}), the version of the"
    " report ({version}) and the exam date ({date}) as well. If one of them is another, the code is of another sheet:"
    " do not trust it."
)
COMPARE_RECEIVED = (
    "Compare the exam number on the sheet: it must be {exam}. Compare the station ({station}), the version of the"
    " report ({version}) and the day on which the exam came ({date}) as well. If one of them is another, the code is of"
    " another sheet: do not trust it."
)
COMPARE_REPORT = (
    "Compare the exam number: it must be {exam}. Compare the station ({station}) and the version of the report"
    " ({version}) as well."
)
COMPARE_WITHOUT = "The exam has no number. Compare the station ({station}) and the version of the report ({version})."
ASK_PATIENT_ID = "With --patient-id the patient's number is compared too."

NO_CODE = (
    "No code was found in {file}. Take the photo again: straight from above, in good light, without a shadow across the"
    " code, which should fill a third of the picture."
)
SEVERAL = "{file} shows several codes of Leapfrog. Take a photo of one sheet at a time."
NOT_LOOKED_AT = "{file} could not be looked at. {reason}"
UNFINISHED = "The program that looks at photos could not finish. The picture may be damaged, or need too much memory."


def summary_lines(summary: Summary) -> list[str]:
    """What a summary says, for a person."""
    exam = EXAM_RECEIVED if summary.date_received else EXAM
    lines = [exam.format(exam=summary.exam_number, version=summary.report_version, date=summary.date)]
    lines += [NOTES[note] for note in summary.notes]
    lines += [line for model in summary.models for line in _model_lines(model)]
    if summary.left_out:
        lines.append(LEFT_OUT.format(count=summary.left_out))
    return lines


def compare_line(summary: Summary, station: str) -> str:
    """What on the sheet must be the same as in the code, which may have been pasted there."""
    compare = COMPARE_RECEIVED if summary.date_received else COMPARE
    words = {"exam": summary.exam_number, "version": summary.report_version, "date": summary.date}
    return compare.format(station=station, **words)


def _model_lines(model: ModelSummary) -> list[str]:
    names: dict[Grade, list[str]] = {}
    for finding in model.findings:
        names.setdefault(finding.grade, []).append(finding.name)
    graded = [GRADES[grade].format(names=", ".join(listed)) for grade, listed in names.items()]
    return [MODEL.format(model=model.model), *graded]
