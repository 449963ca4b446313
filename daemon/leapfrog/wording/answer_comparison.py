"""Where a radiologist's answer and the model's findings differ: by codes alone.

What is written in words is not compared: a program that guesses what a sentence denies would be believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from leapfrog.answers.shown import AnswersOfExam
from leapfrog.exam import Code, Finding, ImageReading

# SNOMED CT: Normal, No abnormality detected. Said of an exam, they deny whatever was flagged.
NORMAL = frozenset(("17621005", "281900007"))


@dataclass(frozen=True)
class Difference:
    """A finding about which the two differ: the radiologist says that it is `there` and the model did not flag it, or
    the other way round.
    """

    finding: Finding
    there: bool


def differences(answers: AnswersOfExam, readings: Sequence[ImageReading]) -> tuple[Difference, ...]:
    """The findings about which the answers that count and the model's readings differ, in the model's order. A finding
    that no answer names by its code is not among them.
    """
    says: dict[tuple[str, str], bool] = {}
    normal = False
    for answer in sorted(answers.shown, key=lambda one: one.judgement != "verified"):  # what was verified counts first
        if not answer.counts or answer.judgement == "unclear":
            continue
        for coded in answer.document.coded:
            if coded.presence == "unclear":
                continue
            there = coded.presence == "present"
            normal = normal or (there and coded.code.scheme == "SCT" and coded.code.value in NORMAL)
            says.setdefault(_key(coded.code), there)
    found: dict[tuple[str, str], Difference] = {}
    for finding in _present_or_absent(readings):
        said = says.get(_key(finding.code), False if normal and finding.flagged else None)
        if said is not None and said != finding.flagged:
            found.setdefault(_key(finding.code), Difference(finding, said))
    return tuple(found.values())


def _present_or_absent(readings: Sequence[ImageReading]) -> list[Finding]:
    """The findings that the models looked for, each once; it is flagged if it is on any image."""
    best: dict[tuple[str, str], Finding] = {}
    for reading in readings:
        if reading.outcome == "not_assessed":
            continue
        for finding in reading.findings:
            if finding.is_outlined:
                continue
            known = best.get(_key(finding.code))
            if known is None or (finding.flagged and not known.flagged):
                best[_key(finding.code)] = finding
    return list(best.values())


def _key(code: Code) -> tuple[str, str]:
    return code.scheme, code.value
