"""Whether two reports of an exam come to the same result: by what was found, not by its words, scores or dates."""

import hashlib
import json

from leapfrog.exam import Finding, ImageReading
from leapfrog.wording.content import ReportContent
from leapfrog.wording.finding_words import measured


def result_of(content: ReportContent) -> str:
    """The same for two reports that say the same of the same patient: which images were read, what was flagged or
    measured on each, how sure that is, what was not assessed and why, and that somebody must check whose exam it is.
    """
    identity = content.identity
    said = [
        [identity.patient_name, identity.patient_id, identity.birth_date, identity.sex],
        sorted(content.other_patient_ids),
        [_image(image.reading) for image in content.images],
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()[:32]


def _image(reading: ImageReading) -> list[object]:
    found = sorted(_finding(finding) for finding in reading.findings)
    return [reading.instance_id, reading.outcome, reading.reason, reading.age_not_given, found]


def _finding(finding: Finding) -> list[str]:
    value = measured(finding.measurement) if finding.measurement else ""
    return [finding.name, f"{finding.needs_look:d}{finding.urgent:d}{finding.is_outlined:d}", value]
