"""Checks a report on disk: its files against the list in report.json, and that against the signature beside it."""

import errno
import hashlib
import json
import stat
from pathlib import Path
from typing import Any

from leapfrog.commands.verify.outcome import FileState, Outcome, Patient
from leapfrog.commands.verify.stations import KnownStations
from leapfrog.signed_summary.patient_number import plain
from leapfrog.signed_summary.signing import Checked, check_report
from leapfrog.wording.text import clean
from leapfrog.wording.verify_words import (
    COMPARE_REPORT,
    COMPARE_WITHOUT,
    FILE_CHANGED,
    FILE_ELSEWHERE,
    FILE_MISSING,
    FILES_WHOLE,
    NO_NUMBER,
    NOT_SIGNED,
    OTHER_NUMBER,
    REPORT_SAYS,
    SAME_NUMBER,
)
from leapfrog.worklist.publication import SIGNATURE_NAME

LARGEST_SIGNATURE_BYTES = 1024


def verify_report(path: Path, content: bytes, patient_id: str | None, stations: KnownStations) -> Outcome | None:
    """Whether the report.json at `path`, which has this `content`, is what a known station signed, and whether its
    files are those that it lists. None when it is no report of Leapfrog.
    """
    document = _document(content)
    if document is None:
        return None
    files = {name: _state(path.parent, name, sha256) for name, sha256 in document["artefacts"]}
    checked = _checked(path, content, stations)
    station = stations.name(checked.key_id) if checked else ""
    patient = _compared(document["patient_id"], patient_id)
    said = REPORT_SAYS[checked.verdict].format(station=station, key=checked.key_id) if checked else NOT_SIGNED
    return Outcome(
        "report",
        trusted=(
            checked is not None
            and checked.verdict == "genuine"
            and set(files.values()) <= {"whole"}
            and patient in ("same", "not compared")
        ),
        lines=(said, *_said_of(files), _said_of_patient(patient, document["exam_number"])),
        verdict=checked.verdict if checked else None,
        station=station,
        key=checked.key_id if checked else "",
        patient=patient,
        files=files,
    )


def _document(content: bytes) -> dict[str, Any] | None:
    """What is looked at of a report.json, whoever wrote it; None when it is none."""
    try:
        document = json.loads(content)
        return {
            "artefacts": [(str(one["name"]), str(one["sha256"])) for one in document["artefacts"]],
            "patient_id": str(document["study"]["patient_id"]),
            "exam_number": str(document.get("exam_number", "")),
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _state(folder: Path, name: str, sha256: str) -> FileState:
    if Path(name).name != name or name in ("", "..") or "\0" in name:
        return "elsewhere"
    path = folder / name
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return "elsewhere"
        with path.open("rb") as file:
            return "whole" if hashlib.file_digest(file, "sha256").hexdigest() == sha256 else "changed"
    except FileNotFoundError:
        return "missing"
    except ValueError:  # no file has a name of such letters
        return "elsewhere"
    except OSError as problem:
        if problem.errno != errno.ENAMETOOLONG:
            raise
        return "elsewhere"


def _checked(path: Path, content: bytes, stations: KnownStations) -> Checked | None:
    """None when there is no signature."""
    try:
        with path.with_name(SIGNATURE_NAME).open("rb") as file:
            signature = file.read(LARGEST_SIGNATURE_BYTES)
    except FileNotFoundError:
        return None
    return check_report(content, signature, stations.keys)


def _said_of(files: dict[str, FileState]) -> list[str]:
    said = [FILE_CHANGED.format(name=clean(name)) for name, state in files.items() if state == "changed"]
    said += [FILE_MISSING.format(name=clean(name)) for name, state in files.items() if state == "missing"]
    said += [FILE_ELSEWHERE] if "elsewhere" in files.values() else []
    return said or [FILES_WHOLE.format(count=len(files))]


def _said_of_patient(patient: Patient, exam_number: str) -> str:
    compare = COMPARE_REPORT.format(exam=clean(exam_number)) if exam_number else COMPARE_WITHOUT
    return {"same": SAME_NUMBER, "another": OTHER_NUMBER, "no number": NO_NUMBER, "not compared": compare}[patient]


def _compared(own: str, patient_id: str | None) -> Patient:
    if patient_id is None:
        return "not compared"
    if not own.strip():
        return "no number"
    return "same" if plain(own) == plain(patient_id) else "another"
