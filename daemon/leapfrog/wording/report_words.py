"""What a report in words consists of: values that page, PDF, pictures, DICOM objects and the worklist lay out."""

from dataclasses import dataclass

from leapfrog.exam import Frozen
from leapfrog.wording.content import Kind
from leapfrog.wording.gauge import Gauge

MARKS: dict[Kind, str] = {"look": "△", "measured": "●", "nothing_flagged": "○", "not_assessed": "?"}
URGENT_MARK = "▲"


def mark_of(kind: Kind, *, urgent: bool) -> str:
    """A shape that tells without colour what kind of result it is, and whether it is urgent."""
    return URGENT_MARK if urgent else MARKS[kind]


@dataclass(frozen=True)
class Headline:
    """One line for staff, and a smaller second one. `kind` and `urgent` decide mark and colour; `urgent` puts it at the
    top. A `caution`, for whom the reading does not hold and what its model was not shown to do, comes before all else.
    """

    kind: Kind
    text: str
    detail: str = ""
    urgent: bool = False
    caution: str = ""

    @property
    def mark(self) -> str:
        """A shape that tells the result without colour."""
        return mark_of(self.kind, urgent=self.urgent)


@dataclass(frozen=True)
class Field:
    """A labelled value; `value` is never empty."""

    label: str
    value: str


@dataclass(frozen=True)
class PictureWords:
    """A picture file in the report's folder, with its caption."""

    file: str
    caption: str


@dataclass(frozen=True)
class FrameWords:
    """A frame of a loop that was looked at; of the `reported` one it is the plain picture."""

    file: str
    caption: str
    reported: bool


@dataclass(frozen=True)
class FindingRow:
    """A finding and what came of it. `grade` says how sure that is, in plain words; `score`, its `threshold` and its
    `urgent_threshold`, "" if it has none of its own, are the small print. `gauge` is None for what is outlined.
    """

    name: str
    result: str
    grade: str
    score: str
    threshold: str
    urgent_threshold: str
    kind: Kind
    urgent: bool
    gauge: Gauge | None

    @property
    def mark(self) -> str:
        """A shape that tells the result without colour."""
        return mark_of(self.kind, urgent=self.urgent)


@dataclass(frozen=True)
class ImageWords:
    """One image of the study. `not_assessed` holds the reason and then what to do; it is empty if it was assessed.
    `no_place`: of which flagged findings the model does not tell where. `view`: which view it took the film for, if it
    tells. `frames`: how many of a loop's it looked at, of which `loop` shows some. `not_covered`: what its model did
    not look for, `made_for`: what and whom it was made for, and `image_check`: what the check of the picture says,
    whatever was found.
    """

    number: int
    title: str
    headline: Headline
    plain: PictureWords | None
    overlay: PictureWords | None
    heatmaps: tuple[PictureWords, ...]
    loop: tuple[FrameWords, ...]
    rows: tuple[FindingRow, ...]
    not_assessed: tuple[str, ...]
    model: str
    no_place: str
    view: str
    frames: str
    not_covered: str
    made_for: str
    image_check: str
    notes: tuple[str, ...]


class WorklistRow(Frozen):
    """A study's line in the worklist, in the same words as its report. `conflict`: why nobody knows whose exam it is.
    `threshold_set_here`: a threshold of this place was applied to it. Dates are YYYY-MM-DD; they and the accession
    number are not shown, but found. What has a default is not in rows of older reports.
    """

    exam_number: str = ""  # not in rows of older reports
    patient: str
    patient_id: str
    age_and_sex: str = ""
    birth_date: str = ""
    accession_number: str = ""
    exam_date: str = ""
    exam: str
    conflict: str = ""
    received: str
    kind: Kind
    caution: str = ""
    headline: str
    detail: str = ""
    urgent: bool = False
    phantom: bool = False
    images: str
    replaced_models: tuple[str, ...] = ()
    threshold_set_here: bool = False

    @property
    def mark(self) -> str:
        """A shape that tells the result without colour."""
        return mark_of(self.kind, urgent=self.urgent)


@dataclass(frozen=True)
class Labels:
    """Fixed text of every report."""

    report: str = "report"
    exam_number: str = "Exam"
    check_whose_exam: str = "! Check whose exam this is."
    no_picture: str = "There is no picture to show."
    this_image: str = "This image"
    not_assessed: str = "Not assessed"
    looked_for: str = "What the model looked for"
    finding: str = "Finding"
    result: str = "Result"
    score: str = "Score"
    threshold: str = "Threshold"
    urgent_from: str = "Urgent from"
    each_finding: str = "Where the model looked, finding by finding"
    where_the_model_looked: str = "Where the model looked for"
    worklist_link: str = "Back to the worklist"
    newer: str = "There is a newer version of this report."
    show_newer: str = "Show it"
    stopped: str = (
        "No sign of life from the box. It may be off, or out of reach of this screen: a newer version of this report"
        " would not appear here."
    )
    pdf_link: str = "PDF for printing"
    more: str = "And {count} more."
    page: str = "Page {number} of {total}"
    pdf_ends: str = "This PDF shows the first {shown} of {total} images. The report page shows them all."
    earlier_exams: str = "Earlier exams of this patient on this box"
    same_patient: str = "Same patient ID and date of birth."
    received: str = "received"
    loop: str = "Frames of the loop that were looked at"
    viewer: str = "The picture, large"
    close: str = "Close"
    full_screen: str = "Full screen"
    larger: str = "Larger"
    smaller: str = "Smaller"
    as_it_was: str = "Reset"
    invert: str = "Invert"
    brightness: str = "Brightness"
    contrast: str = "Contrast"
    contrast_by_dragging: str = "Contrast by dragging"
    marks_on_picture: str = "Marks"
    opacity: str = "Opacity"
    frame_before: str = "Frame before"
    frame_after: str = "Frame after"
    copy: str = "A copy with 256 grays: what it does not show may be in the original."
    pdf_follows: str = "The PDF will be ready once no more images arrive"


@dataclass(frozen=True)
class ReportWords:
    """A whole report."""

    headline: Headline
    conflicts: tuple[str, ...]
    replaced_models: str
    patient: tuple[Field, ...]
    exam: tuple[Field, ...]
    images: tuple[ImageWords, ...]
    exam_number: str
    station: str
    version_line: str
    disclaimer: str
    phantom_banner: str
    worklist_row: WorklistRow
    labels: Labels = Labels()
