"""The DICOM objects that carry a report to the district.

PDF and overlays are for people and complete in themselves, since few viewers show structured reports well. All keep the
patient and study as received, in a new series and under a SOP Instance UID made once.
"""

import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

from leapfrog.dicom.uids import is_valid_uid, mint_uid
from leapfrog.exam import Identity, ImageReading
from leapfrog.language.sentence import Sentence, sentence
from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ProducedObject, ReportJob
from leapfrog.reader.objects.dicom_object import write_object
from leapfrog.reader.objects.encapsulated_pdf import encapsulated_pdf
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.objects.preview import is_wanted, preview, preview_uid
from leapfrog.reader.objects.secondary_capture import secondary_capture
from leapfrog.reader.objects.segmentation import segmentation, segments_of
from leapfrog.reader.objects.series import OVERLAYS, SEGMENTATION
from leapfrog.reader.report.caption import Line, captioned_jpeg
from leapfrog.reader.report.pdf import render_pdf
from leapfrog.spool_file.record import DerivedKind
from leapfrog.wording.report_words import FindingRow, ImageWords, ReportWords

# What pydicom and highdicom raise of a value that they do not take. The report itself must not be lost over it.
REFUSALS = (ValueError, TypeError, AttributeError, LookupError, OverflowError)
NOT_MADE = (
    "The {kind} of an exam could not be made for the district ({where}); its report is whole. Send this line to those"
    " who maintain Leapfrog."
)

DRAWN = sentence("What the model flagged or outlined, drawn on the displayed picture")
WRITTEN_BELOW = sentence("What the model flagged, written under the displayed picture")
# A finding on the band below a picture, where nothing else tells its score.
SCORED = sentence("{finding}: {result} (score {score}, threshold {threshold})")
SCORED_URGENT = sentence("{finding}: {result} (score {score}, threshold {threshold}, urgent from {urgent})")


def make_derived(
    job: ReportJob,
    identity: Identity,
    words: ReportWords,
    speaker: Speaker,
    on_progress: Callable[[], None] = lambda: None,
) -> tuple[tuple[ProducedObject, ...], tuple[str, ...]]:
    """Write the objects that `job.derived` names into `job.work_dir`, synced, in the order in which they are worth
    sending, and call `on_progress` after each. Returns those that were made, and a sentence for each one that could not
    be.

    `identity` says whose exam it is. Without a usable Study Instance UID none can be made, because no archive could
    file them.
    """
    if not is_valid_uid(identity.study_instance_uid):
        reason = "The images have no Study Instance UID, so the report cannot be filed with them at the district."
        return (), (reason,)
    making = _Making(job, identity, words, speaker)
    makers: dict[DerivedKind, Callable[[], Iterator[ProducedObject]]] = {
        "structured_report": making.structured_report,
        "report_pdf": making.pdf,
        "preview": making.previews,
        "segmentation": making.segmentations,
        "overlay": making.overlays,
    }
    produced: list[ProducedObject] = []
    not_made = []
    for kind, make in makers.items():
        if kind in job.derived:
            try:
                for one in make():
                    produced.append(one)
                    on_progress()
            except REFUSALS as problem:
                not_made.append(NOT_MADE.format(kind=kind, where=_where(problem)))
    return tuple(produced), tuple(not_made)


def _where(problem: Exception) -> str:
    """Which error it is and where it came from, without its text, which may quote a patient's data."""
    place = traceback.extract_tb(problem.__traceback__)[-1]
    return f"{type(problem).__name__} in {Path(place.filename).name}, line {place.lineno}"


class _Making:
    """One version's objects in the making. Every method writes those of one kind."""

    def __init__(self, job: ReportJob, identity: Identity, words: ReportWords, speaker: Speaker) -> None:
        self._job = job
        self._identity = identity
        self._words = words
        self._speaker = speaker
        self._images = tuple(zip(job.readings, words.images, strict=True))

    def structured_report(self) -> Iterator[ProducedObject]:
        from leapfrog.reader.objects.structured_report.document import structured_report  # imports highdicom: slow

        dataset = structured_report(self._job, self._identity, self._words, self._speaker)
        yield self._written(dataset, "structured_report", "structured_report.dcm", ExplicitVRLittleEndian)

    def pdf(self) -> Iterator[ProducedObject]:
        job = self._job
        pdf = render_pdf(self._words, self._speaker, job.picture_dir, job.page_size, detail="line")
        dataset = encapsulated_pdf(job, self._identity, self._speaker, pdf)
        yield self._written(dataset, "report_pdf", "report_pdf.dcm", ExplicitVRLittleEndian)

    def previews(self) -> Iterator[ProducedObject]:
        for reading, image in self._images:
            if is_wanted(reading) and preview_uid(reading) not in self._job.known_previews:
                dataset = preview(self._job, reading, self._speaker, image.number)
                yield self._written(dataset, "preview", f"preview-{image.number}.dcm", JPEGBaseline8Bit)

    def segmentations(self) -> Iterator[ProducedObject]:
        series_uid = mint_uid()
        for reading, image in self._images:
            if segments := segments_of(reading):
                dataset = segmentation(self._job, reading, segments, image.number)
                SEGMENTATION.describe(dataset, self._job, self._speaker)
                name = f"segmentation-{image.number}.dcm"
                yield self._written(dataset, "segmentation", name, ExplicitVRLittleEndian, series_uid)

    def overlays(self) -> Iterator[ProducedObject]:
        series_uid = mint_uid()
        for reading, image in self._images:
            # Where the model does not tell the place, what it flagged stands under the picture as it is.
            picture = image.overlay or (image.plain if image.no_place else None)
            if picture is not None:
                file = self._job.picture_dir / picture.file
                dataset = _overlay(self._job, reading, image, file, self._words.disclaimer, self._speaker)
                yield self._written(dataset, "overlay", f"overlay-{image.number}.dcm", JPEGBaseline8Bit, series_uid)

    def _written(
        self, dataset: Dataset, kind: DerivedKind, name: str, transfer_syntax: UID, series_uid: str = ""
    ) -> ProducedObject:
        """`series_uid` is that of the kind's objects of this version; "" for one by itself."""
        if series_uid:
            dataset.SeriesInstanceUID = series_uid
        dataset.StudyInstanceUID = self._identity.study_instance_uid  # an image without a usable one lies there too
        purpose = Purpose(kind, self._job.study_key, version=self._job.version)
        return write_object(dataset, purpose, self._job.work_dir / name, transfer_syntax)


def _overlay(
    job: ReportJob, reading: ImageReading, image: ImageWords, picture: Path, disclaimer: Sentence, speaker: Speaker
) -> Dataset:
    """An overlay, with the findings written under the picture."""
    jpeg = captioned_jpeg(picture, list(_said_below(_caption(image, disclaimer), speaker)))
    dataset = secondary_capture(job.station, reading, jpeg)
    dataset.BurnedInAnnotation = "YES"
    OVERLAYS.describe(dataset, job, speaker)
    dataset.InstanceNumber = image.number
    dataset.DerivationDescription = speaker.say(DRAWN if image.overlay is not None else WRITTEN_BELOW)
    return dataset


def _caption(image: ImageWords, disclaimer: Sentence) -> list[Sentence]:
    """Everything that the report says about the image, for viewers that show only pixels."""
    notable = [row for row in image.rows if row.kind != "nothing_flagged"]
    lines = [line for line in (image.headline.caution, image.headline.text, image.headline.detail) if line]
    lines += [_finding(row) for row in notable]
    if image.overlay is not None:
        lines.append(image.overlay.caption)
    lines += [line for line in (image.no_place, image.view, image.frames) if line]
    said = (*lines, image.not_covered, image.made_for, image.image_check, image.model, disclaimer)
    return [line for line in said if line]


def _said_below(lines: Sequence[Sentence], speaker: Speaker) -> Iterator[Line]:
    """The lines in the language of the station, and below each its English, where no native reader has reviewed it."""
    for said in lines:
        yield Line(speaker.say(said), speaker.language)
        if english := speaker.english(said):
            yield Line(english)


def _finding(row: FindingRow) -> Sentence:
    """`Nodule: FLAGGED, above the threshold (score 0.87, threshold 0.41)`."""
    values = {
        "finding": row.name,
        "result": row.graded,
        "score": row.score,
        "threshold": row.threshold,
    }
    if row.urgent_threshold:
        return SCORED_URGENT.format(**values, urgent=row.urgent_threshold)
    return SCORED.format(**values)
