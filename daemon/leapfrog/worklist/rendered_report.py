"""The newest report that was rendered of a study, for a journal that is made anew: readings need not be made twice.

A power cut may have left files of it torn: those of a version that was being made, which no journal speaks of yet. What
they are to be, its JSON says.
"""

import json
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from leapfrog.exam import ImageReading
from leapfrog.exam_number import is_exam_number
from leapfrog.language.sentence import with_sentences
from leapfrog.state.rendered import versions
from leapfrog.state.start.adoption import RenderedReport
from leapfrog.wording.content import content_of
from leapfrog.wording.report import words_of
from leapfrog.worklist.publication import digest_of, listed_digests


def rendered_report(folder: Path) -> RenderedReport | None:
    """The newest report in `folder` of which every file is as it was made. Where there is none, the newest one that can
    be read, without the readings whose pictures are not whole; it is made anew before anybody sees it (`publication`).
    None when this version can read none. Raises OSError when the folder cannot be read.
    """
    newest: RenderedReport | None = None
    for version in versions(folder, "json"):
        torn = _torn(folder, version)
        report = _read(folder / f"report-{version}.json", torn)
        if report is not None and not torn:
            return report
        newest = newest or report
    return newest


def _torn(folder: Path, version: int) -> frozenset[str]:
    """The files of a report, by the names that staff see, that are not what its JSON lists. One that was removed is
    none of them: a report does without it.
    """
    try:
        listed = listed_digests(folder / f"report-{version}.json") or {}
    except FileNotFoundError:
        return frozenset()
    return frozenset(name for name, digest in listed.items() if not _holds(folder, version, name, digest))


def _holds(folder: Path, version: int, name: str, digest: str) -> bool:
    is_report = name in ("report.html", "report.pdf")
    try:
        return digest_of(folder / (f"report-{version}{Path(name).suffix}" if is_report else Path(name).name)) == digest
    except FileNotFoundError:
        return not is_report
    except OSError:
        return False


def _read(path: Path, torn: frozenset[str]) -> RenderedReport | None:
    try:
        document = json.loads(path.read_bytes())
        version, station = int(document["version"]), document["station"]
        number = document.get("exam_number", "")
        exam_number = number if is_exam_number(number) else ""
        readings = tuple(ImageReading.model_validate(with_sentences(image)) for image in document["images"])
        content = content_of(readings)
        words = words_of(
            replace(content, replaced_models=tuple(document.get("replaced_models", ()))),
            study_key=document["study_key"],
            exam_number=exam_number,
            station=station["name"],
            ae_title=station["ae_title"],
            version=version,
            software_version=station["software_version"],
            received_at=document["received_at"],
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, ValidationError):
        return None
    row = words.worklist_row
    whole = tuple(reading for reading in readings if torn.isdisjoint(reading.pictures))
    return RenderedReport(version, whole, row.model_dump_json(), row.urgent, exam_number)
