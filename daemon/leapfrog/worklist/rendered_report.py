"""The newest report that was rendered of a study, for a journal that is made anew: readings need not be made twice."""

import json
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from leapfrog.exam import ImageReading
from leapfrog.exam_number import is_exam_number
from leapfrog.language.sentence import with_sentences
from leapfrog.state.rendered import newest_version
from leapfrog.state.start.adoption import RenderedReport
from leapfrog.wording.content import content_of
from leapfrog.wording.report import words_of


def rendered_report(folder: Path) -> RenderedReport | None:
    """The newest report whose JSON is in `folder`. None when there is none, or one that this version cannot read.
    Raises OSError when the folder cannot be read.
    """
    newest = newest_version(folder, "json")
    if newest is None:
        return None
    try:
        document = json.loads((folder / f"report-{newest}.json").read_bytes())
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
    return RenderedReport(version, readings, row.model_dump_json(), row.urgent, exam_number)
