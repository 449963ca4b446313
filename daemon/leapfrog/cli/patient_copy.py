"""A patient's own copy of an exam: what `leapfrog export DIR --exam EXAM` does."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from leapfrog.cli.options import settings_of
from leapfrog.cli.output import SCREEN, screen_unless, show
from leapfrog.errors import UsageError
from leapfrog.wording.text import count, date, moment

if TYPE_CHECKING:
    from leapfrog.commands.patient_copy.exam_copy import Asked, ExamCopy

NOT_ENCRYPTED = (
    "The copy is not encrypted: whoever has it can read the patient's name, images and report. Give it to the patient"
    " only."
)
SAME_STUDY = (
    "An exam of patient number {numbers} has the same Study Instance UID: look at its report before you give this away."
)
ON_OWN_DISK = "Nothing is mounted at {root}: that is the box's own disk, not a stick."


def export_copy(
    directory: Path, exam: str, config: Path | None, *, yes: bool, although_patients_differ: bool, as_json: bool
) -> None:
    """Copy `exam` to `directory`, once a person has agreed."""
    from leapfrog.commands.patient_copy.exam_copy import copy_exam

    def confirm(asked: "Asked") -> bool:
        if yes:
            return True
        if as_json or not sys.stdin.isatty():
            raise UsageError(f"{NOT_ENCRYPTED} To go on without being asked, add --yes.")
        for line in _lines(asked):
            SCREEN.print(line, soft_wrap=True)
        return typer.confirm("Write it?")

    copy = copy_exam(
        directory,
        exam,
        settings_of(config),
        confirm,
        screen_unless(as_json),
        although_patients_differ=although_patients_differ,
    )
    answer = {
        "path": str(copy.root),
        "exam_number": copy.exam_number,
        "objects": copy.objects,
        "files": copy.files,
        "byte_count": copy.byte_count,
        "replaced": copy.replaced,
        "on_own_disk": copy.on_own_disk,
        "other_patient_ids": list(copy.other_patient_ids),
        "lacking": [str(one) for one in copy.facts.lacking()],
    }
    show(answer, as_json, _result(copy), unwrapped=True)


def _lines(asked: "Asked") -> list[str]:
    born = f", born {date(asked.birth_date)}" if asked.birth_date else ""
    number = f", number {asked.patient_id}" if asked.patient_id else ""
    return [
        f"Exam {asked.exam_number} of {asked.patient_name or 'a patient without a name'}{born}{number}:"
        f" {count(asked.originals, 'image')}.",
        *asked.lacking,
        *_same_study(asked.other_patient_ids),
        *([ON_OWN_DISK.format(root=asked.root)] if asked.on_own_disk else []),
        *([f"{asked.root} has a copy of {moment(asked.replaces)}, which will be replaced."] if asked.replaces else []),
        NOT_ENCRYPTED,
    ]


def _same_study(patient_ids: Sequence[str]) -> list[str]:
    return [SAME_STUDY.format(numbers=", ".join(patient_ids))] if patient_ids else []


def _result(copy: "ExamCopy") -> list[str]:
    what = "The copy that was there was replaced" if copy.replaced else "A copy was written"
    return [
        f"{what}: exam {copy.exam_number}, {count(copy.files, 'file')}, {copy.byte_count / 1e6:,.1f} MB, in"
        f" {copy.root}.",
        *(str(one) for one in copy.facts.lacking()),
        *_same_study(copy.other_patient_ids),
        *([ON_OWN_DISK.format(root=copy.root)] if copy.on_own_disk else []),
        NOT_ENCRYPTED,
        "Unmount the stick before you pull it out.",
    ]
