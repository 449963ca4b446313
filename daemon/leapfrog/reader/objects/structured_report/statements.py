"""What a structured report says of the whole exam, before the images: whose, how it came out, what it is not."""

from collections.abc import Iterator, Sequence

from highdicom.sr import (
    ContentItem,
    DeviceObserverIdentifyingAttributes,
    LanguageOfContentItemAndDescendants,
    ObservationContext,
    ObserverContext,
)

from leapfrog.dicom.uids import uid_of
from leapfrog.exam import Code, ImageReading
from leapfrog.processes.messages import Station
from leapfrog.reader.objects.common_modules import MANUFACTURER
from leapfrog.reader.objects.structured_report.codes import (
    ALL_FOUND,
    ALL_FOUND_NOTHING,
    CHEST_XRAY,
    COMMENT,
    DEVICE,
    DISCLAIMER,
    ENGLISH,
    IMAGING,
    LIMITS,
    NONE_SUCCEEDED,
    OUTCOME,
    PRIORITY,
    SOME_FOUND,
    SOME_FOUND_NOTHING,
    SUMMARY,
    ULTRASOUND,
    URGENT,
    WHOSE_EXAM,
    XRAY,
    coded,
    concept,
    text,
)
from leapfrog.wording.report_words import ReportWords

XRAY_MODALITIES = ("CR", "DX", "DR")


def language() -> LanguageOfContentItemAndDescendants:
    """English."""
    return LanguageOfContentItemAndDescendants(concept(ENGLISH))


def observer(station: Station) -> ObservationContext:
    """The box, as a device that observes; its UID is the same in all its reports."""
    box = DeviceObserverIdentifyingAttributes(
        uid_of("station", station.ae_title, station.name),
        name=station.name,
        manufacturer_name=MANUFACTURER,
        model_name=f"Leapfrog {station.software_version}",
    )
    return ObservationContext(ObserverContext(concept(DEVICE), box))


def procedures(readings: Sequence[ImageReading]) -> list[Code]:
    """What was done to make these images, each once."""
    return list(dict.fromkeys(map(_procedure, readings)))


def statements(readings: Sequence[ImageReading], words: ReportWords) -> Iterator[ContentItem]:
    """What somebody must know of the exam before they look at a finding, as the report has it."""
    headline = words.headline
    yield coded(OUTCOME, _outcome(readings))
    if headline.urgent:
        yield coded(PRIORITY, URGENT)
    yield text(SUMMARY, f"{headline.text}. {headline.detail}".strip())
    if headline.caution:
        yield text(LIMITS, headline.caution)
    yield text(DISCLAIMER, words.disclaimer)
    for conflict in words.conflicts:
        yield text(WHOSE_EXAM, conflict)
    for said in (words.phantom_banner, words.replaced_models, words.version_line):
        if said:
            yield text(COMMENT, said)


def _procedure(reading: ImageReading) -> Code:
    header = reading.header
    if header.modality in XRAY_MODALITIES:
        return CHEST_XRAY if header.body_part.upper() == "CHEST" else XRAY
    return ULTRASOUND if header.modality == "US" else IMAGING


def _outcome(readings: Sequence[ImageReading]) -> Code:
    assessed = [reading for reading in readings if reading.outcome != "not_assessed"]
    if not assessed:
        return NONE_SUCCEEDED
    found = any(finding.flagged for reading in assessed for finding in reading.findings)
    if len(assessed) == len(readings):
        return ALL_FOUND if found else ALL_FOUND_NOTHING
    return SOME_FOUND if found else SOME_FOUND_NOTHING
