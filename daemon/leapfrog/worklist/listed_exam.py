"""An exam as the worklist shows it: its line, what a person must do about it, and where it stands in the list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Literal

from leapfrog.state.exam_states import ExamState
from leapfrog.state.records import StudyRecord
from leapfrog.wording.report_words import WorklistRow
from leapfrog.wording.text import in_a_sentence

URGENT_DAYS = 2  # urgent exams of the newest two days come first; older ones keep their mark

Place = Literal["urgent", "person", "flagged", "other"]
PLACES: tuple[Place, ...] = ("urgent", "person", "flagged", "other")
HEADINGS: dict[Place, str] = {
    "urgent": "Urgent",
    "person": "A person must look at these",
    "flagged": "Flagged",
    "other": "Other exams",
}

UNREADABLE = "Cannot be read here: look at the picture on the machine that made it, or send it again."
REFUSED = "The district refused it: tell the technician. It is kept here."
WHOSE_EXAM = "check whose exam this is before you use it."


@dataclass(frozen=True)
class StateWord:
    """How far an exam is, in a word beside a shape that tells it without colour."""

    icon: str
    word: str


READING, UNREAD = StateWord("…", "reading"), StateWord("✕", "cannot be read")
NOT_ASSESSED, READ = StateWord("?", "not assessed"), StateWord("✓", "read")
SENT, NOT_SENT, NOT_TAKEN = StateWord("➤", "sent"), StateWord("◷", "not sent yet"), StateWord("!", "refused")


@dataclass(frozen=True)
class ListedExam:
    """A study, its line in the list, and how far it is."""

    study: StudyRecord
    row: WorklistRow
    state: ExamState = field(default_factory=ExamState)

    @cached_property
    def to_do(self) -> tuple[str, ...]:
        """What a person must do about it, besides reading the report: a sentence each. Empty for most."""
        conflict = f"{self.row.conflict}: {WHOSE_EXAM}" if self.row.conflict else ""
        unreadable = UNREADABLE if self.state.unreadable else ""
        return tuple(filter(None, (conflict, unreadable, REFUSED if self.state.refused else "")))

    @cached_property
    def needs_person(self) -> bool:
        """Whether no result of a program can be relied on: a person must look at the exam or do something about it."""
        return bool(self.to_do) or self.row.kind == "not_assessed"

    @property
    def is_unsent(self) -> bool:
        """Whether something of it has not arrived at the district that should."""
        return self.state.unsent or self.state.refused

    @cached_property
    def words(self) -> tuple[StateWord, ...]:
        """How far it is: whether it was read, and then, where something is to be sent, whether that has arrived."""
        state = self.state
        read = NOT_ASSESSED if self.row.kind == "not_assessed" else READ
        first = UNREAD if state.unreadable else READING if state.unread else read
        sending = NOT_TAKEN if state.refused else NOT_SENT if state.unsent else SENT if state.sent else None
        return (first,) if sending is None else (first, sending)

    def place(self, newest_days: Sequence[str]) -> Place:
        """In which part of the list it stands; `newest_days` are the days whose urgent exams come first."""
        if self.row.urgent and self.study.received_date in newest_days:
            return "urgent"
        if self.needs_person:
            return "person"
        return "flagged" if self.row.kind == "look" else "other"


def cautions_for(exams: Iterable[ListedExam]) -> tuple[str, ...]:
    """What the packages that read these exams say that everybody must know, each once, to stand above them."""
    cautions = dict.fromkeys(caution for exam in exams for caution in exam.row.package_cautions)
    return tuple(f"Caution with exams that {one.package} read: {in_a_sentence(one.caution)}" for one in cautions)


@dataclass(frozen=True)
class Group:
    """A part of the list."""

    place: Place
    exams: tuple[ListedExam, ...]

    @property
    def heading(self) -> str:
        """What stands above it."""
        return HEADINGS[self.place]


def groups_of(exams: Iterable[ListedExam]) -> list[Group]:
    """The parts of the list that have exams, in order. `exams` must be newest first, and so is each part: urgent ones,
    those that need a person, flagged ones, the rest.
    """
    exams = list(exams)
    newest_days = list(dict.fromkeys(exam.study.received_date for exam in exams))[:URGENT_DAYS]
    placed = sorted(((exam.place(newest_days), exam) for exam in exams), key=lambda pair: PLACES.index(pair[0]))
    return [
        Group(place, tuple(exam for _, exam in pairs)) for place, pairs in groupby(placed, key=lambda pair: pair[0])
    ]
