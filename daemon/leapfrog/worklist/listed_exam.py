"""An exam as the worklist shows it: its line, what a person must do about it, and where it stands in the list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Literal

from leapfrog.language.sentence import Plain, Sentence, sentence, term
from leapfrog.state.exam_states import ExamState
from leapfrog.state.records import StudyRecord
from leapfrog.wording import print_words
from leapfrog.wording.report_words import WorklistRow

FIRST_DAYS = 2  # what is urgent or needs a person comes first for so many days; older ones keep their mark

Place = Literal["urgent", "person", "answered", "flagged", "other"]
PLACES: tuple[Place, ...] = ("urgent", "person", "answered", "flagged", "other")
HEADINGS: dict[Place, Sentence] = {
    "urgent": sentence("Urgent"),
    "person": sentence("A person must look at these"),
    "answered": sentence("Answered by a radiologist in these days"),
    "flagged": sentence("Flagged"),
    "other": sentence("Other exams"),
}

UNREADABLE = sentence("Cannot be read here: look at the picture on the machine that made it, or send it again.")
PARTLY_UNREADABLE = sentence(
    "An image of it cannot be read here: look at it on the machine that made it, or send it again."
)
PARTLY_ASSESSED = sentence("No model gives a result for every image of it: a person must look at the others.")
REFUSED = sentence("The district refused it: tell the technician. It is kept here.")
# Translators: {package} is the name of a model
CAUTION = sentence("Caution with exams that {package} read: {caution}")
WHOSE_EXAM = sentence("{conflict}: check whose exam this is before you use it.")


@dataclass(frozen=True)
class StateWord:
    """How far an exam is, in a word beside a shape that tells it without colour."""

    icon: str
    word: Sentence

    @property
    def shown(self) -> Sentence:
        """Both."""
        return Sentence.of(Plain(f"{self.icon} "), *self.word.parts)


READING, UNREAD = StateWord("…", term("state of an exam", "reading")), StateWord("✕", sentence("cannot be read"))
NOT_ASSESSED, PARTLY_READ = StateWord("?", sentence("not assessed")), StateWord("?", sentence("partly assessed"))
READ = StateWord("✓", term("state of an exam", "read"))
SENT, NOT_SENT = StateWord("➤", term("state of an exam", "sent")), StateWord("◷", sentence("not sent yet"))
NOT_TAKEN = StateWord("!", term("state of an exam", "refused"))
ON_PAPER = {
    "waiting": StateWord("▷", print_words.TO_BE_PRINTED),
    "confirmed": StateWord("▤", print_words.PRINTED),
    "refused": StateWord("!", print_words.NOT_PRINTED),
    "superseded": StateWord("!", print_words.NOT_PRINTED),
}


@dataclass(frozen=True)
class ListedExam:
    """A study, its line in the list, and how far it is."""

    study: StudyRecord
    row: WorklistRow
    state: ExamState = field(default_factory=ExamState)

    @cached_property
    def to_do(self) -> tuple[Sentence, ...]:
        """What a person must do about it, besides reading the report: a sentence each. Empty for most."""
        conflict = WHOSE_EXAM.format(conflict=self.row.conflict) if self.row.conflict else Sentence("")
        refused = REFUSED if self.state.refused else Sentence("")
        no_paper = print_words.NOT_PRINTED_TO_DO if self.state.not_printed else Sentence("")
        return tuple(filter(None, (conflict, *self.row.answers_to_do, self._missing_result, refused, no_paper)))

    @cached_property
    def needs_person(self) -> bool:
        """Whether no result of a program can be relied on: a person must look at the exam or do something about it."""
        return bool(self.to_do) or self.is_unassessed

    @property
    def is_unassessed(self) -> bool:
        """Whether an image of it, or all, has no result of a model."""
        return self.state.unassessed or self.row.kind == "not_assessed"

    @property
    def is_answered(self) -> bool:
        """Whether a radiologist has answered; not so for a document of which nobody knows who wrote it."""
        return bool(self.row.answered_on)

    @property
    def is_partly_assessed(self) -> bool:
        """Whether there is a result for some of its images and none for others."""
        return self.state.unassessed and self.row.kind != "not_assessed"

    @property
    def _missing_result(self) -> Sentence:
        """What to do about images of which there is no result, where the reasons beside its headline do not say it."""
        if self.state.unreadable:
            return UNREADABLE if self.row.kind == "not_assessed" else PARTLY_UNREADABLE
        return PARTLY_ASSESSED if self.is_partly_assessed else Sentence("")

    @property
    def is_unsent(self) -> bool:
        """Whether something of it has not arrived at the district that should."""
        return self.state.unsent or self.state.refused

    @cached_property
    def words(self) -> tuple[StateWord, ...]:
        """How far it is: whether it was read; and where something is to be sent or printed, whether it has been."""
        state = self.state
        read = PARTLY_READ if self.is_partly_assessed else NOT_ASSESSED if self.is_unassessed else READ
        first = UNREAD if state.unreadable else READING if state.unread else read
        sending = NOT_TAKEN if state.refused else NOT_SENT if state.unsent else SENT if state.sent else None
        return tuple(word for word in (first, sending, ON_PAPER.get(state.paper or "")) if word is not None)

    def place(self, newest_days: Sequence[str]) -> Place:
        """In which part of the list it stands; `newest_days` are the days of which what is urgent or needs a
        person comes first.
        """
        if self.study.received_date in newest_days:
            if self.row.urgent:
                return "urgent"
            if self.needs_person:
                return "person"
        # By when the answer came: that may be a day on which no exam did.
        if self.row.answered_on >= min(newest_days, default="") and self.is_answered:
            return "answered"
        return "flagged" if self.row.kind == "look" else "other"


def cautions_for(exams: Iterable[ListedExam]) -> tuple[Sentence, ...]:
    """What the packages that read these exams say that everybody must know, each once, to stand above them."""
    cautions = dict.fromkeys(caution for exam in exams for caution in exam.row.package_cautions)
    return tuple(CAUTION.format(package=one.package, caution=one.caution.lowered()) for one in cautions)


@dataclass(frozen=True)
class Group:
    """A part of the list."""

    place: Place
    exams: tuple[ListedExam, ...]

    @property
    def heading(self) -> Sentence:
        """What stands above it."""
        return HEADINGS[self.place]


def groups_of(exams: Iterable[ListedExam]) -> list[Group]:
    """The parts of the list that have exams, in order. `exams` must be newest first, and so is each part: urgent ones,
    those that need a person, both of the newest days, those that were answered in these days, flagged ones, the rest.
    """
    exams = list(exams)
    newest_days = list(dict.fromkeys(exam.study.received_date for exam in exams))[:FIRST_DAYS]
    placed = sorted(((exam.place(newest_days), exam) for exam in exams), key=lambda pair: PLACES.index(pair[0]))
    return [
        Group(place, tuple(exam for _, exam in pairs)) for place, pairs in groupby(placed, key=lambda pair: pair[0])
    ]
