"""What a report says, in words and in order, before page or PDF lay it out."""

from dataclasses import dataclass

from leapfrog.exam import Finding, Identity, ImageReading, whose_exam
from leapfrog.processes.messages import ReportJob
from leapfrog.reader.report.overlay import HEATMAP_NOTE
from leapfrog.wording import text as wording
from leapfrog.wording.headline import (
    LONGEST_REMARK,
    MARKS,
    NEEDS_A_PERSON,
    NOT_RULED_OUT,
    Headline,
    HeadlineKind,
    headline_of,
    is_flagged,
    is_outlined,
    result_of,
)

PHANTOM_BANNER = "Phantom: a test image made by a program. There is no patient."
DEVICE_NAMES = {"cpu": "CPU", "edgetpu": "Edge TPU"}


@dataclass(frozen=True)
class Field:
    """A labelled value; `value` is never empty."""

    label: str
    value: str


@dataclass(frozen=True)
class PictureContent:
    """A picture file in the report's folder with the words that belong to it."""

    file: str
    caption: str


@dataclass(frozen=True)
class FindingRow:
    """One line of the findings table; the fractions are 0 to 1, for the bar."""

    name: str
    score: str
    threshold: str
    result: str
    kind: HeadlineKind
    score_fraction: float
    threshold_fraction: float

    @property
    def mark(self) -> str:
        """A shape that says the result without colour."""
        return MARKS[self.kind]


@dataclass(frozen=True)
class ImageContent:
    """One image of the study. `not_assessed` holds the reason and then what can be done, and is empty otherwise."""

    number: int
    title: str
    headline: Headline
    plain: PictureContent | None
    overlay: PictureContent | None
    heatmaps: tuple[PictureContent, ...]
    rows: tuple[FindingRow, ...]
    not_assessed: tuple[str, ...]
    model: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ReportContent:
    """A whole report."""

    headline: Headline
    conflicts: tuple[str, ...]
    patient: tuple[Field, ...]
    exam: tuple[Field, ...]
    images: tuple[ImageContent, ...]
    station: str
    version_line: str
    disclaimer: str
    phantom: bool


def content_of(job: ReportJob) -> ReportContent:
    """Everything that the report of `job` says."""
    identity = whose_exam(job.readings)
    is_demonstration = any(reading.model is not None and reading.model.demonstration for reading in job.readings)
    return ReportContent(
        headline=headline_of(job.readings),
        conflicts=tuple(wording.clean(sentence, LONGEST_REMARK) for sentence in job.conflicts),
        patient=_patient(identity),
        exam=_exam(identity, job),
        images=tuple(
            _image(reading, number, len(job.readings), job.include_heatmaps)
            for number, reading in enumerate(job.readings, start=1)
        ),
        station=wording.clean(job.station.name),
        version_line=_version_line(job),
        disclaimer=wording.DISCLAIMER if is_demonstration else wording.NO_DIAGNOSIS,
        phantom=any(reading.phantom for reading in job.readings),
    )


def _patient(identity: Identity) -> tuple[Field, ...]:
    patient_id = wording.given(identity.patient_id)
    if issuer := wording.clean(identity.issuer_of_patient_id):
        patient_id += f" (issued by {issuer})"
    return (
        Field("Patient", wording.person_name(identity.patient_name) or wording.NOT_GIVEN),
        Field("Patient ID", patient_id),
        Field("Born", wording.date(identity.birth_date) or wording.NOT_GIVEN),
        Field("Sex", wording.sex(identity.sex) or wording.NOT_GIVEN),
    )


def _exam(identity: Identity, job: ReportJob) -> tuple[Field, ...]:
    taken = " ".join(
        part for part in (wording.date(identity.study_date), wording.time_of_day(identity.study_time)) if part
    )
    fields = [
        Field("Exam date", taken or wording.NOT_GIVEN),
        Field("Exam", wording.clean(identity.study_description) or wording.exam_name(job.readings)),
        Field("Accession number", wording.given(identity.accession_number)),
        Field("Received", wording.moment(job.received_at)),
    ]
    if referring := wording.person_name(identity.referring_physician):
        fields.append(Field("Referred by", referring))
    return tuple(fields)


def _version_line(job: ReportJob) -> str:
    station = job.station
    return (
        f"Report version {job.version} · {wording.count(len(job.readings), 'image')} · "
        f"{wording.clean(station.name)} ({wording.clean(station.ae_title)}) · Leapfrog {station.software_version}"
    )


def _image(reading: ImageReading, number: int, total: int, include_heatmaps: bool) -> ImageContent:
    assessed = reading.outcome != "not_assessed"
    outlined = any(finding.contour is not None for finding in reading.findings)
    headline = headline_of([reading])
    shows_marks = outlined or include_heatmaps
    return ImageContent(
        number=number,
        title=_title(reading, number, total),
        headline=headline,
        plain=PictureContent(reading.plain, _plain_caption(reading)) if reading.plain else None,
        overlay=PictureContent(reading.overlay, _overlay_caption(reading)) if reading.overlay and shows_marks else None,
        heatmaps=_heatmaps(reading) if include_heatmaps else (),
        rows=_rows(reading) if assessed else (),
        not_assessed=() if assessed else _not_assessed(reading),
        model=_model(reading),
        notes=_notes(reading, headline) if assessed else (),
    )


def _title(reading: ImageReading, number: int, total: int) -> str:
    shown = wording.image_name(reading.header)
    if total == 1:
        return shown or "Image"
    return f"Image {number} of {total}: {shown}" if shown else f"Image {number} of {total}"


def _plain_caption(reading: ImageReading) -> str:
    frames = reading.header.frames
    return f"The picture, frame {reading.frame} of {frames}" if frames > 1 else "The picture"


def _overlay_caption(reading: ImageReading) -> str:
    outlines = [finding for finding in reading.findings if is_outlined(finding)]
    if outlines:
        return "Outline: " + ", ".join(_outline_words(finding) for finding in outlines)
    names = ", ".join(wording.finding_name(finding) for finding in reading.findings if is_flagged(finding))
    return f"Where the model looked: {names}. {HEATMAP_NOTE}"


def _outline_words(finding: Finding) -> str:
    name = wording.finding_name(finding)
    if finding.measurement is None:
        return name
    measured = wording.measured(finding.measurement)
    return measured if measured.startswith(name) else f"{name} ({measured})"


def _heatmaps(reading: ImageReading) -> tuple[PictureContent, ...]:
    """The separate heat maps; a single one says no more than the overlay does."""
    if len(reading.heatmaps) < 2:
        return ()
    names = {finding.name: wording.finding_name(finding) for finding in reading.findings}
    return tuple(
        PictureContent(heatmap.file, names.get(heatmap.finding, wording.clean(heatmap.finding)))
        for heatmap in reading.heatmaps
    )


def _rows(reading: ImageReading) -> tuple[FindingRow, ...]:
    """Flagged findings first, otherwise in the order of the model package."""
    ordered = sorted(reading.findings, key=lambda finding: not is_flagged(finding))
    return tuple(_row(finding) for finding in ordered)


def _row(finding: Finding) -> FindingRow:
    kind: HeadlineKind = "look" if is_flagged(finding) else "measured" if is_outlined(finding) else "nothing_flagged"
    score, threshold = _numbers(finding.score, finding.threshold)
    return FindingRow(
        name=wording.finding_name(finding),
        score=score,
        threshold=threshold,
        result=result_of(finding),
        kind=kind,
        score_fraction=min(1.0, max(0.0, finding.score)),
        threshold_fraction=min(1.0, max(0.0, finding.threshold)),
    )


def _numbers(score: float, threshold: float) -> tuple[str, str]:
    """Both with two decimals, or with three when two would hide on which side of the threshold the score lies."""
    decimals = 3 if score != threshold and f"{score:.2f}" == f"{threshold:.2f}" else 2
    return f"{score:.{decimals}f}", f"{threshold:.{decimals}f}"


def _not_assessed(reading: ImageReading) -> tuple[str, ...]:
    reason = wording.clean(reading.reason, LONGEST_REMARK) or "No reason was given."
    return (reason, NEEDS_A_PERSON)


def _model(reading: ImageReading) -> str:
    if reading.model is None:
        return ""
    kind = ", demonstration model" if reading.model.demonstration else ""
    device = DEVICE_NAMES[reading.model.device]
    return f"{wording.clean(reading.model.name)} {wording.clean(reading.model.version)} on {device}{kind}"


def _notes(reading: ImageReading, headline: Headline) -> tuple[str, ...]:
    """What else is to be said of an assessed image, and is not in its headline already."""
    remarks = [reading.reason, *(finding.note for finding in reading.findings)]
    notes = [remark for text in remarks if text and (remark := wording.clean(text, LONGEST_REMARK)) != headline.detail]
    if any(not is_outlined(finding) for finding in reading.findings):
        notes.append(f"Not flagged means that the score is under this model version's threshold. {NOT_RULED_OUT}")
    if reading.quality is not None and reading.quality.detail:
        notes.append(f"Image check: {wording.clean(reading.quality.detail, LONGEST_REMARK)}")
    return tuple(notes)
