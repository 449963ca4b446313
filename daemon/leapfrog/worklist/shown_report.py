"""What the report folder of a study shows, for a journal that is made anew: readings need not be made twice."""

import json
from pathlib import Path

from pydantic import ValidationError

from leapfrog.exam import ImageReading
from leapfrog.state.adoption import ShownReport
from leapfrog.wording.content import content_of
from leapfrog.wording.report import words_of


def shown_report(report_dir: Path) -> ShownReport | None:
    """The report that `report.json` in the folder describes. None when there is none, or one that this version cannot
    read. Raises OSError when the folder cannot be read.
    """
    try:
        document = json.loads((report_dir / "report.json").read_bytes())
        version, station = int(document["version"]), document["station"]
        readings = tuple(ImageReading.model_validate(image) for image in document["images"])
        words = words_of(
            content_of(readings),
            station=station["name"],
            ae_title=station["ae_title"],
            version=version,
            software_version=station["software_version"],
            received_at=document["received_at"],
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, ValidationError):
        return None
    return ShownReport(version, readings, words.worklist_row.model_dump_json(), words.worklist_row.urgent)
