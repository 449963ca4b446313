"""What a report in words consists of: values that page, PDF, pictures, DICOM objects and the worklist lay out."""

from dataclasses import dataclass

from leapfrog.exam import Frozen
from leapfrog.wording.content import Kind

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
class FindingRow:
    """One line of the findings table; the fractions are 0 to 1, for the bar."""

    name: str
    score: str
    threshold: str
    result: str
    kind: Kind
    urgent: bool
    score_fraction: float
    threshold_fraction: float

    @property
    def mark(self) -> str:
        """A shape that tells the result without colour."""
        return mark_of(self.kind, urgent=self.urgent)


@dataclass(frozen=True)
class ImageWords:
    """One image of the study. `not_assessed` holds the reason and then what to do; it is empty if it was assessed.
    `no_place`: of which flagged findings the model does not tell where. `view`: which view it took the film for, if it
    tells. `not_covered`: what its model did not look for,
    whatever it found.
    """

    number: int
    title: str
    headline: Headline
    plain: PictureWords | None
    overlay: PictureWords | None
    heatmaps: tuple[PictureWords, ...]
    rows: tuple[FindingRow, ...]
    not_assessed: tuple[str, ...]
    model: str
    no_place: str
    view: str
    table_caption: str
    not_covered: str
    notes: tuple[str, ...]


class WorklistRow(Frozen):
    """A study's line in the worklist, in the same words as its report. `conflict`: why nobody knows whose exam it is.
    Dates are YYYY-MM-DD; they and the accession number are not shown, but found. What has a default is not in rows of
    older reports.
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
    finding: str = "Finding"
    result: str = "Result"
    score: str = "Score"
    threshold: str = "Threshold"
    bar: str = "0 to 1"
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
