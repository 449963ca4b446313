"""The summary as the text of a code, and back. Any phone shows it; a person can read it, and a box can check it.

    LEAPFROG 1:EXAM K7-42F V2:DATE 2026-11-03:DEMO:MODEL CHEST-FINDINGS 0.1.0:URGENT PULMONARY EDEMA:
    NOT FLAGGED ATELECTASIS/INFILTRATE:PATIENT GEZDGNBV GY3TQOJQ:KEY MFRGGZDF:<signature>

Fields are parted by colons. The signature (Ed25519) is over everything before the last colon, so what it covers is what
stands there. `1` is the format; binary values are in base32 (RFC 4648) without padding, which survives being copied.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import date
from itertools import product

from pydantic import ValidationError

from leapfrog.errors import NotASummary
from leapfrog.exam_number import is_exam_number
from leapfrog.signed_summary.letters import BETWEEN_FIELDS, BETWEEN_NAMES
from leapfrog.signed_summary.summary import (
    GRADES,
    NOTES,
    Grade,
    GradedFinding,
    HashedNumber,
    ModelSummary,
    Summary,
)

FIRST_WORD = "LEAPFROG"
FORMAT = "1"
SIGNATURE_LETTERS = 103  # 64 bytes in base32
LONGEST_TEXT = 419  # letters, of a code of 65 x 65 modules (version 12-M), which is 32.5 mm wide
# Grades whose findings are left out where there is no room, these first; never what was flagged.
LEFT_OUT: tuple[Grade, ...] = ("NOT OUTLINED", "NOT FLAGGED", "HATCHED", "OUTLINED", "MEASURED")
NOT_ONE = "The code begins as a summary of Leapfrog does, and does not go on as one."
EXAM = re.compile(r"([0-9A-Z-]+) V([0-9]{1,6})")
MORE = re.compile(r"[1-9][0-9]{0,5}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def written(summary: Summary, rest: int) -> str:
    """`summary` as text, before key and signature, which need `rest` more letters. What was not flagged is left out as
    far as there is no room for it, and counted. Raises NotASummary when what was flagged is too much by itself.
    """
    most = LONGEST_TEXT - rest
    while len(text := BETWEEN_FIELDS.join(_fields(summary))) > most:
        summary = _without_one(summary)
    return text


def parsed(text: str) -> Summary:
    """The inverse of `written`. Raises NotASummary, for all that `written` never writes too: whoever has a key may have
    signed anything.
    """
    fields = text.split(BETWEEN_FIELDS)
    first, *rest = fields
    if first != f"{FIRST_WORD} {FORMAT}":
        raise NotASummary(f"The code is of another format than this version of Leapfrog knows: {first[:40]}.")
    values: dict[str, object] = {}
    notes: list[str] = []
    models: list[ModelSummary] = []
    findings: list[GradedFinding] = []
    try:
        for field in rest:
            word, _, value = field.partition(" ")
            grade = next((one for one in GRADES if field.startswith(f"{one} ")), None)
            if field in NOTES:
                notes.append(field)
            elif grade is not None:
                names = field.removeprefix(f"{grade} ").split(BETWEEN_NAMES)
                findings += [GradedFinding(grade=grade, name=name) for name in names]
                models[-1] = ModelSummary(model=models[-1].model, findings=tuple(findings))
            elif word == "MODEL":
                findings = []
                models.append(ModelSummary(model=value, findings=()))
            else:
                values |= _value(word, value)
        summary = Summary.model_validate({**values, "notes": tuple(notes), "models": tuple(models)})
    except (ValueError, IndexError, ValidationError) as problem:
        raise NotASummary(NOT_ONE) from problem
    if len(text) > LONGEST_TEXT or _contradicts_itself(summary) or BETWEEN_FIELDS.join(_fields(summary)) != text:
        raise NotASummary(NOT_ONE)
    return summary


def to_base32(content: bytes) -> str:
    """In the letters of a code."""
    return base64.b32encode(content).decode("ascii").rstrip("=")


def from_base32(text: str) -> bytes:
    """The inverse of `to_base32`. Raises ValueError."""
    try:
        content = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error as problem:
        raise ValueError(str(problem)) from problem
    if to_base32(content) != text:  # the last letter has bits that count for nothing
        raise ValueError("It is not written as base32 is.")
    return content


def _contradicts_itself(summary: Summary) -> bool:
    """Whether it says that nothing was assessed, and what was found."""
    flagged = any(one.grade in ("URGENT", "FLAGGED") for model in summary.models for one in model.findings)
    return "NOT ASSESSED" in summary.notes and (flagged or "PARTLY NOT ASSESSED" in summary.notes)


def _fields(summary: Summary) -> Iterator[str]:
    yield f"{FIRST_WORD} {FORMAT}"
    yield f"EXAM {summary.exam_number} V{summary.report_version}"
    yield f"{'RECEIVED' if summary.date_received else 'DATE'} {summary.date}"
    yield from summary.notes
    for model in summary.models:
        yield f"MODEL {model.model}"
        for grade in GRADES:
            if names := [one.name for one in model.findings if one.grade == grade]:
                yield f"{grade} {BETWEEN_NAMES.join(names)}"
    if summary.left_out:
        yield f"MORE {summary.left_out}"
    if summary.number is not None:
        yield f"PATIENT {to_base32(summary.number.salt)} {to_base32(summary.number.digest)}"


def _without_one(summary: Summary) -> Summary:
    """Without the last finding of those that are left out first."""
    for grade, place in product(LEFT_OUT, reversed(range(len(summary.models)))):
        model = summary.models[place]
        if model.findings and model.findings[-1].grade == grade:
            shorter = model.model_copy(update={"findings": model.findings[:-1]})
            models = (*summary.models[:place], shorter, *summary.models[place + 1 :])
            return summary.model_copy(update={"models": models, "left_out": summary.left_out + 1})
    raise NotASummary("More was found than a code has room for.")


def _value(word: str, value: str) -> dict[str, object]:
    match word:
        case "EXAM" if (exam := EXAM.fullmatch(value)) and is_exam_number(exam[1]):
            return {"exam_number": exam[1], "report_version": int(exam[2])}
        case "DATE" | "RECEIVED" if DATE.fullmatch(value):
            date.fromisoformat(value)  # raises ValueError where there is no such day
            return {"date": value, "date_received": word == "RECEIVED"}
        case "MORE" if MORE.fullmatch(value):
            return {"left_out": int(value)}
        case "PATIENT":
            salt, digest = value.split(" ")
            return {"number": HashedNumber(salt=from_base32(salt), digest=from_base32(digest))}
    raise ValueError(f"{word} is no field of a summary")
