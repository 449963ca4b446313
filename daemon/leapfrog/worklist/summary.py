"""What the worklist shows of a study, kept in its journal row so that the list is made without opening reports."""

from collections.abc import Iterable, Sequence

from leapfrog.exam import Frozen, Identity, ImageReading, whose_exam
from leapfrog.wording.headline import HeadlineKind, headline_of


class StudySummary(Frozen):
    """A study in a few words. Counts are images; `modalities` are DICOM's, each once."""

    kind: HeadlineKind = "not_assessed"
    headline: str = ""
    detail: str = ""
    urgent: bool = False
    phantom: bool = False
    identity: Identity = Identity()
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    images: int = 0
    not_assessed: int = 0


def summarise(readings: Sequence[ImageReading]) -> StudySummary:
    """The summary of a study's readings."""
    headline = headline_of(readings)
    return StudySummary(
        kind=headline.kind,
        headline=headline.text,
        detail=headline.detail,
        urgent=headline.urgent,
        phantom=any(reading.phantom for reading in readings),
        identity=whose_exam(readings),
        modalities=_each_once(reading.header.modality for reading in readings),
        body_parts=_each_once(reading.header.body_part for reading in readings),
        images=len(readings),
        not_assessed=sum(reading.outcome == "not_assessed" for reading in readings),
    )


def _each_once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
