"""An answer as a report shows it, and whether a report shows all there are."""

import hashlib
from collections.abc import Iterable

from leapfrog.answers.document import Document
from leapfrog.answers.judgement import Judgement
from leapfrog.exam import Frozen

MOST_TEXT_OF_EXAM = 1_000_000  # characters, of all answers together, that an exam's page shows


class ShownAnswer(Frozen):
    """An answer that is shown. `received_at` is local ISO time. `pages` are picture files in the report's folder.
    `withdrawn`: the district no longer has it. `replaced`: a later one takes its place.
    """

    id: str
    document: Document
    judgement: Judgement
    received_at: str
    pages: tuple[str, ...] = ()
    withdrawn: bool = False
    replaced: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is what the radiologist says now."""
        return not self.withdrawn and not self.replaced


class AnswersOfExam(Frozen):
    """All answers of an exam, what counts first, of that what is surely an answer, each time the newest first; and how
    many more came that are not shown: of `another_patient`, or of nobody knows whom (`unsure_patient`), or that could
    not be read (`unreadable`).
    """

    shown: tuple[ShownAnswer, ...] = ()
    another_patient: int = 0
    unsure_patient: int = 0
    unreadable: int = 0

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of all picture files that they have."""
        return tuple(page for one in self.shown for page in one.pages)

    @property
    def mark(self) -> str:
        """The same for two reports that show the same of all this; "" where there is nothing."""
        if not (self.shown or self.another_patient or self.unsure_patient or self.unreadable):
            return ""
        said = [f"{one.id}{one.withdrawn:d}{one.replaced:d}" for one in self.shown]
        counts = f"{self.another_patient} {self.unsure_patient} {self.unreadable}"
        return hashlib.sha256(" ".join((*said, counts)).encode()).hexdigest()[:16]


def in_order(answers: Iterable[ShownAnswer]) -> tuple[ShownAnswer, ...]:
    """Answers in the order in which they are shown, with those marked as `replaced` that a later one names as its
    predecessor. What a person verified is replaced by nothing that nobody verified.
    """
    answers = list(answers)
    replaced: set[str] = set()
    for one in answers:
        if one.withdrawn:
            continue
        replaced |= {
            other.id
            for other in answers
            if other.id != one.id
            and other.document.sop_instance_uid in one.document.replaces
            and one.document.sop_instance_uid not in other.document.replaces
            and (one.judgement == "verified" or other.judgement != "verified")
        }
    marked = [one.model_copy(update={"replaced": one.id in replaced}) for one in answers]
    newest_first = sorted(marked, key=lambda one: (one.document.written_at, one.received_at), reverse=True)
    return _within_a_page(sorted(newest_first, key=lambda one: (not one.counts, one.judgement == "unclear")))


def _within_a_page(answers: Iterable[ShownAnswer]) -> tuple[ShownAnswer, ...]:
    """What is shown first keeps its text; of the others, whatever a page has no room for is left out."""
    room, kept = MOST_TEXT_OF_EXAM, list[ShownAnswer]()
    for one in answers:
        room -= one.document.text_length
        without_text = one.document.model_copy(update={"lines": (), "left_out": True})
        kept.append(one if room >= 0 else one.model_copy(update={"document": without_text}))
    return tuple(kept)
