"""Checks a report on disk: its files against the list in report.json, and that against the signature beside it."""

import errno
import hashlib
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from leapfrog.commands.stations import KnownStations
from leapfrog.commands.verify.outcome import FileState, Outcome, Patient
from leapfrog.errors import UsageError
from leapfrog.heartbeat.names import NEWEST_NAME
from leapfrog.plain_file import NotPlain, content_of, opened
from leapfrog.signed_summary.patient_number import plain
from leapfrog.signed_summary.signing import Checked, check_report
from leapfrog.wording.text import clean
from leapfrog.wording.verify_words import (
    ASK_PATIENT_ID,
    COMPARE_REPORT,
    COMPARE_WITHOUT,
    FILE_CHANGED,
    FILE_ELSEWHERE,
    FILE_MISSING,
    FILE_NOT_LISTED,
    FILES_WHOLE,
    NO_NUMBER,
    NOT_SIGNED,
    OTHER_NUMBER,
    REPORT_SAYS,
    SAME_NUMBER,
)
from leapfrog.worklist.publication import SIGNATURE_NAME

LARGEST_SIGNATURE_BYTES = 1024
LARGEST_PART_BYTES = 512 * 1024 * 1024  # no page, PDF or picture of an exam comes near
# What staff would take for a part of the report. Other files, such as a system's notes on a folder, say nothing.
TAKEN_FOR_A_PART = re.compile(r"report\..*|.*\.(html?|pdf|jpe?g|png|svg)", re.IGNORECASE | re.DOTALL)
OUR_OWN = frozenset(("report.json", SIGNATURE_NAME, NEWEST_NAME))


def verify_report(path: Path, content: bytes, patient_id: str | None, stations: KnownStations) -> Outcome | None:
    """Whether the report.json at `path`, which has this `content`, is what a known station signed, and whether its
    files are those that it lists. None when it is no report of Leapfrog.
    """
    document = _document(content)
    if document is None:
        return None
    files = {name: _state(path.parent, name, sha256) for name, sha256 in document["artefacts"].items()}
    files |= dict.fromkeys(_not_listed(path, files), "unlisted")
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
        lines=(said, *_said_of(files), *_said_of_patient(patient, document)),
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
            "artefacts": {str(one["name"]): str(one["sha256"]) for one in document["artefacts"]},
            "patient_id": str(document["study"]["patient_id"]),
            "exam_number": str(document.get("exam_number", "")),
            "version": str(document["version"]),
            "station": str(document["station"]["name"]),
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _state(folder: Path, name: str, sha256: str) -> FileState:
    if Path(name).name != name or name in ("", "..") or "\0" in name:
        return "elsewhere"
    try:
        with opened(folder / name, LARGEST_PART_BYTES, follow=False) as file:
            return "whole" if hashlib.file_digest(file, "sha256").hexdigest() == sha256 else "changed"
    except FileNotFoundError:
        return "missing"
    except (NotPlain, ValueError):  # ValueError: no file has a name of such letters
        return "elsewhere"
    except OSError as problem:
        if problem.errno not in (errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO):
            raise UsageError(f"{folder / name} cannot be read: {problem.strerror}.") from problem
        return "elsewhere"


def _not_listed(path: Path, listed: Collection[str]) -> list[str]:
    """The files beside the report.json at `path` that staff would take for parts of the report, and that it does not
    list.
    """
    if path.name != "report.json":  # a copy in a folder of anything, such as that of downloads
        return []
    try:
        names = sorted(one.name for one in path.parent.iterdir())
    except OSError as problem:
        raise UsageError(f"The folder {path.parent} cannot be read: {problem.strerror}.") from problem
    return [
        name
        for name in names
        if TAKEN_FOR_A_PART.fullmatch(name) and name not in OUR_OWN and name not in listed and not name.startswith(".")
    ]


def _checked(path: Path, content: bytes, stations: KnownStations) -> Checked | None:
    """None when there is no signature."""
    try:
        signature = content_of(path.with_name(SIGNATURE_NAME), LARGEST_SIGNATURE_BYTES)
    except FileNotFoundError:
        return None
    except NotPlain:
        return Checked("foreign")
    except OSError as problem:
        raise UsageError(f"{path.with_name(SIGNATURE_NAME)} cannot be read: {problem.strerror}.") from problem
    return check_report(content, signature, stations.keys)


def _said_of(files: dict[str, FileState]) -> list[str]:
    said = [FILE_CHANGED.format(name=clean(name)) for name, state in files.items() if state == "changed"]
    said += [FILE_MISSING.format(name=clean(name)) for name, state in files.items() if state == "missing"]
    said += [FILE_NOT_LISTED.format(name=clean(name)) for name, state in files.items() if state == "unlisted"]
    said += [FILE_ELSEWHERE] if "elsewhere" in files.values() else []
    return said or [FILES_WHOLE.format(count=len(files))]


def _said_of_patient(patient: Patient, document: dict[str, Any]) -> list[str]:
    said = {"same": [SAME_NUMBER], "another": [OTHER_NUMBER], "no number": [NO_NUMBER], "not compared": []}[patient]
    compare = COMPARE_REPORT if document["exam_number"] else COMPARE_WITHOUT
    words = {name: clean(document[name]) for name in ("station", "version")}
    said.append(compare.format(exam=clean(document["exam_number"]), **words))
    return [*said, ASK_PATIENT_ID] if patient == "not compared" else said


def _compared(own: str, patient_id: str | None) -> Patient:
    if patient_id is None:
        return "not compared"
    if not own.strip():
        return "no number"
    return "same" if plain(own) == plain(patient_id) else "another"
