"""What a report in words consists of: values that page, PDF, pictures, DICOM objects and the worklist lay out."""

from dataclasses import dataclass, field

from leapfrog.exam import Frozen
from leapfrog.language.page_words import UNDRAWN
from leapfrog.language.sentence import Plain, Sentence, sentence
from leapfrog.wording.answer_words import AnswersWords
from leapfrog.wording.content import Kind
from leapfrog.wording.gauge import Gauge
from leapfrog.wording.sheet_words import CODE_CAPTION

MARKS: dict[Kind, str] = {"look": "△", "measured": "●", "nothing_flagged": "○", "not_assessed": "?"}
URGENT_MARK = "▲"
SCORES = sentence("Score {score} · Threshold {threshold}")
SCORES_AND_URGENT = sentence("Score {score} · Threshold {threshold} · Urgent from {urgent}")
TITLED = sentence("{title}. {caption}")


def mark_of(kind: Kind, *, urgent: bool) -> str:
    """A shape that tells without colour what kind of result it is, and whether it is urgent."""
    return URGENT_MARK if urgent else MARKS[kind]


@dataclass(frozen=True)
class Headline:
    """One line for staff, and a smaller second one. `kind` and `urgent` decide mark and colour; `urgent` puts it at the
    top. A `caution`, for whom the reading does not hold and what its model was not shown to do, comes before all else.
    """

    kind: Kind
    text: Sentence
    detail: Sentence = Sentence("")
    urgent: bool = False
    caution: Sentence = Sentence("")

    @property
    def mark(self) -> str:
        """A shape that tells the result without colour."""
        return mark_of(self.kind, urgent=self.urgent)

    @property
    def marked(self) -> Sentence:
        """Its text after its mark."""
        return Sentence.of(Plain(f"{self.mark} "), *self.text.parts)


@dataclass(frozen=True)
class Field:
    """A labelled value; `value` is never empty."""

    label: Sentence
    value: Sentence


@dataclass(frozen=True)
class PictureWords:
    """A picture file in the report's folder, with its caption."""

    file: str
    caption: Sentence


@dataclass(frozen=True)
class FrameWords:
    """A frame of a loop that was looked at; of the `reported` one it is the plain picture."""

    file: str
    caption: Sentence
    reported: bool


@dataclass(frozen=True)
class FindingRow:
    """A finding and what came of it. `grade` says how sure that is, in plain words, and
    `graded` has both; `score`, its `threshold` and its
    `urgent_threshold`, "" if it has none of its own, are the small print. `gauge` is None for what is outlined.
    `contradicted`: a radiologist says otherwise.
    """

    name: Sentence
    result: Sentence
    grade: Sentence
    graded: Sentence
    score: Sentence
    threshold: Sentence
    urgent_threshold: Sentence
    kind: Kind
    urgent: bool
    gauge: Gauge | None
    contradicted: bool = False

    @property
    def scores(self) -> Sentence:
        """The small print in one line."""
        values = {"score": self.score, "threshold": self.threshold}
        if not self.urgent_threshold:
            return SCORES.format(**values)
        return SCORES_AND_URGENT.format(**values, urgent=self.urgent_threshold)

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
    title: Sentence
    headline: Headline
    plain: PictureWords | None
    overlay: PictureWords | None
    heatmaps: tuple[PictureWords, ...]
    loop: tuple[FrameWords, ...]
    rows: tuple[FindingRow, ...]
    not_assessed: tuple[Sentence, ...]
    model: Sentence
    no_place: Sentence
    view: Sentence
    frames: Sentence
    not_covered: Sentence
    made_for: Sentence
    image_check: Sentence
    notes: tuple[Sentence, ...]

    def titled(self, caption: Sentence) -> Sentence:
        """A picture's caption after the image's title."""
        return TITLED.format(title=self.title, caption=caption)


class PackageCaution(Frozen):
    """What a package says that everybody must know who sees what it read."""

    package: str
    caution: Sentence


class WorklistRow(Frozen):
    """A study's line in the worklist, in the same words as its report. `conflict`: why nobody knows whose exam it is.
    `caution`: for whom the reading does not hold; `package_cautions` stand once above the list, not in each row.
    `threshold_set_here`: a threshold of this place was applied to it. Dates are YYYY-MM-DD; they and the accession
    number are not shown, but found. `answered`: a radiologist has, on `answered_on` as this box knows it;
    `answer_differs` from the model's findings; `radiologist_answered`: it was surely no machine that answered;
    `answers_to_do`: what to do about answers that are not shown; `answers_mark` is `AnswersOfExam.mark`. What has a
    default is not in rows of older reports.
    """

    exam_number: str = ""  # not in rows of older reports
    patient: Sentence
    patient_id: Sentence
    age_and_sex: Sentence = Sentence("")
    birth_date: str = ""
    accession_number: str = ""
    exam_date: str = ""
    exam: Sentence
    conflict: Sentence = Sentence("")
    received: Sentence
    kind: Kind
    caution: Sentence = Sentence("")
    package_cautions: tuple[PackageCaution, ...] = ()
    headline: Sentence
    detail: Sentence = Sentence("")
    urgent: bool = False
    phantom: bool = False
    images: Sentence
    replaced_models: tuple[str, ...] = ()
    threshold_set_here: bool = False
    answers_mark: str = ""
    answered: Sentence = Sentence("")
    answered_on: str = ""
    answer_differs: bool = False
    radiologist_answered: bool = False
    answers_to_do: tuple[Sentence, ...] = ()

    @property
    def mark(self) -> str:
        """A shape that tells the result without colour."""
        return mark_of(self.kind, urgent=self.urgent)


@dataclass(frozen=True)
class Labels:
    """Fixed text of every report."""

    # Translators: before its number: Exam K7-42F
    exam_number: Sentence = sentence("Exam")
    check_whose_exam: Sentence = sentence("! Check whose exam this is.")
    no_picture: Sentence = sentence("There is no picture to show.")
    this_image: Sentence = sentence("This image: {headline}")
    not_assessed: Sentence = sentence("Not assessed")
    looked_for: Sentence = sentence("What the model looked for")
    finding: Sentence = sentence("Finding")
    result: Sentence = sentence("Result")
    result_and_scores: Sentence = sentence("Result (Score / Threshold)")
    score: Sentence = sentence("Score")
    threshold: Sentence = sentence("Threshold")
    urgent_from: Sentence = sentence("Urgent from")
    each_finding: Sentence = sentence("Where the model looked, finding by finding")
    where_the_model_looked: Sentence = sentence("Where the model looked for: {finding}")
    worklist_link: Sentence = sentence("Back to the worklist")
    newer: Sentence = sentence("There is a newer version of this report.")
    show_newer: Sentence = sentence("Show it")
    stopped: Sentence = sentence(
        "No sign of life from the box. It may be off, or out of reach of this screen: a newer version of this report"
        " would not appear here."
    )
    without_scripts: Sentence = sentence(
        "Scripts are off in this browser: this page does not tell when there is a newer version of the report, nor when"
        " the box has stopped."
    )
    undrawn: Sentence = UNDRAWN
    pdf_link: Sentence = sentence("PDF for printing")
    # Translators: {count} is 1 or more, and there is only this form
    more: Sentence = sentence("And {count} more.")
    page: Sentence = sentence("Page {number} of {total}")
    pdf_ends: Sentence = sentence("This PDF shows the {shown} of {total} images that matter most.")
    pdf_without_pictures: Sentence = sentence(
        "This PDF was made small for a thin line: some images are described here without their pictures."
    )
    earlier_exams: Sentence = sentence("Earlier exams of this patient on this box")
    same_patient: Sentence = sentence("Same patient ID and date of birth.")
    # Translators: of an earlier exam: received 3 Nov 2026: CR CHEST
    received: Sentence = sentence("received")
    loop: Sentence = sentence("Frames of the loop that were looked at")
    viewer: Sentence = sentence("The picture, large")
    close: Sentence = sentence("Close")
    full_screen: Sentence = sentence("Full screen")
    larger: Sentence = sentence("Larger")
    smaller: Sentence = sentence("Smaller")
    # Translators: as large as it fits on the screen
    whole_picture: Sentence = sentence("Whole picture")
    # Translators: a button of the picture viewer, as all that follow
    as_it_was: Sentence = sentence("Reset")
    invert: Sentence = sentence("Invert")
    brightness: Sentence = sentence("Brightness")
    contrast: Sentence = sentence("Contrast")
    contrast_by_dragging: Sentence = sentence("Contrast by dragging")
    # Translators: a button: shows or hides what the program drew on the picture
    marks_on_picture: Sentence = sentence("Marks")
    opacity: Sentence = sentence("Opacity")
    frame_before: Sentence = sentence("Frame before")
    frame_after: Sentence = sentence("Frame after")
    copy: Sentence = sentence("A copy with 256 grays: what it does not show may be in the original.")
    pdf_follows: Sentence = sentence("The PDF will be ready once no more images arrive")


@dataclass(frozen=True)
class ReportWords:
    """A whole report. `models` and `made`: who read the exam and when the report was made, for each page of paper.
    `code` is what the sheet's code holds, "" if it has none, and `code_caption` stands beside it.
    `replaces`: which earlier sheet this one takes the place of, "" if there is none. `answers`: what radiologists said.
    """

    headline: Headline
    conflicts: tuple[Sentence, ...]
    replaced_models: Sentence
    patient: tuple[Field, ...]
    exam: tuple[Field, ...]
    images: tuple[ImageWords, ...]
    exam_number: str
    station: str
    heading: Sentence
    version_line: Sentence
    disclaimer: Sentence
    phantom_banner: Sentence
    worklist_row: WorklistRow
    models: Sentence = Sentence("")
    made: Sentence = Sentence("")
    code: str = ""
    code_caption: Sentence = CODE_CAPTION
    replaces: Sentence = Sentence("")
    answers: AnswersWords = field(default_factory=AnswersWords)
    labels: Labels = Labels()

    def where_the_model_looked(self, finding: Sentence) -> Sentence:
        """What the map of one finding shows."""
        return self.labels.where_the_model_looked.format(finding=finding)
