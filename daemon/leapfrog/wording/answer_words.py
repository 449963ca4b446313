"""What a report and the list say of radiologists' answers. What the answers say themselves is not ours: it is shown as
it is, made harmless.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leapfrog.answers.document import Document, Line, Person
from leapfrog.answers.judgement import Judgement
from leapfrog.answers.shown import AnswersOfExam, ShownAnswer
from leapfrog.exam import Identity, ImageReading
from leapfrog.language.listing import enumerated
from leapfrog.language.sentence import Sentence, joined, sentence, term
from leapfrog.wording.answer_comparison import Difference, differences
from leapfrog.wording.finding_words import finding_name
from leapfrog.wording.text import as_it_is, clean, date, each_once, moment, person_name, time_of_day

NOTHING = Sentence("")
LONGEST_PARAGRAPH = 4000  # characters
MOST_ON_PAPER, LONGEST_ON_PAPER = 2, 600  # answers, and characters of each

# Translators: above what a radiologist at the district wrote about the exam
ANSWERED = sentence("The radiologist has answered")
NOT_VERIFIED = sentence("An answer came that nobody has verified yet")
UNCLEAR = sentence("A document came from the district that does not say who wrote it: it may be a machine's")
HEADINGS: dict[Judgement, Sentence] = {"verified": ANSWERED, "unverified": NOT_VERIFIED, "unclear": UNCLEAR}
WITHDRAWN = sentence("The district has withdrawn this answer.")
REPLACED = sentence("A later answer has taken the place of this one.")
PRELIMINARY = sentence("It is preliminary: another answer may follow.")
MORE_AT_DISTRICT = sentence("It is longer than what is shown here: the rest is at the district.")
OTHER_NAME = sentence("The answer names the patient {name}. Check that this is the same person.")
# Translators: on paper, above the last lines of what a radiologist wrote
ON_PAGE = sentence("The exam's page on the screen shows all of it.")
# Translators: a label and its value: Verified by: Dr Grace Odhiambo
LABELLED = sentence("{label}: {value}")
BY_AND_FROM = sentence("{person}, {organisation}")
# Translators: a label before the names of doctors
VERIFIED_BY, WRITTEN_BY = sentence("Verified by"), sentence("Written by")
# Translators: a label before a date: when a report was written
WRITTEN = sentence("Written")
# Translators: a label before a date: when a report was received
CAME = sentence("Came")

ANOTHER_PATIENT = sentence("An answer for another patient came under this exam. It is not shown: tell the district.")
UNSURE_PATIENT = sentence(
    "An answer came under this exam that is not surely about this patient. It is not shown: tell the district."
)
UNREADABLE = sentence("An answer came that this box cannot show. Read it at the district.")

DIFFER = sentence("The radiologist and the model differ")
THERE = sentence("{finding}: the radiologist says that it is there, the model did not flag it.")
NOT_THERE = sentence("{finding}: the radiologist says that it is not there, the model flagged it.")
SAYS_OTHERWISE = sentence("The radiologist says otherwise.")
COMPARE = sentence(
    "This program compares codes and nothing else. Compare what is written in words with the model's result yourself."
)
MODELS_RESULT = sentence("What the model found")

# In the list, beside an exam.
TAGS: dict[Judgement, Sentence] = {
    "verified": term("in the list", "the radiologist has answered"),
    "unverified": term("in the list", "answered, not verified"),
    "unclear": term("in the list", "a document from the district"),
}
RANKS: tuple[Judgement, ...] = ("verified", "unverified", "unclear")


@dataclass(frozen=True)
class AnswerLine:
    """A line of an answer, set in by so many steps. `label` and the paragraphs are the radiologist's own words."""

    level: int
    label: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class AnswerFact:
    """What is known about an answer, with its label."""

    label: Sentence
    value: Sentence


@dataclass(frozen=True)
class AnswerWords:
    """One answer. `title` is its own; `notes` are to be read before it. One that does not count any more is shown on
    demand.
    """

    heading: Sentence
    verified: bool
    counts: bool
    title: str
    facts: tuple[AnswerFact, ...]
    notes: tuple[Sentence, ...]
    lines: tuple[AnswerLine, ...]
    pages: tuple[str, ...]
    left_out: Sentence


@dataclass(frozen=True)
class AnswersWords:
    """All that is said of an exam's answers: those that are shown, `not_shown`: what to do about others, and where an
    answer and the model differ; `contradicted` are these findings, by scheme and value of their code and whether the
    model flagged them.
    """

    answers: tuple[AnswerWords, ...] = ()
    not_shown: tuple[Sentence, ...] = ()
    differences: tuple[Sentence, ...] = ()
    contradicted: frozenset[tuple[str, str, bool]] = frozenset()
    differ: Sentence = DIFFER
    says_otherwise: Sentence = SAYS_OTHERWISE
    compare: Sentence = COMPARE
    models_result: Sentence = MODELS_RESULT

    def __bool__(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.answers or self.not_shown)


def words_of_answers(answers: AnswersOfExam, identity: Identity, readings: Sequence[ImageReading]) -> AnswersWords:
    """`answers` in words, for the exam of `identity`, of which `readings` are the model's."""
    differing = differences(answers, readings)
    return AnswersWords(
        answers=tuple(_answer(one, identity) for one in answers.shown),
        not_shown=tuple(_not_shown(answers)),
        differences=tuple(map(_difference, differing)),
        contradicted=frozenset(
            (one.finding.code.scheme, one.finding.code.value, one.finding.flagged) for one in differing
        ),
    )


def on_paper(words: AnswersWords) -> tuple[tuple[Sentence, ...], ...]:
    """The answers that count as a sheet shows them, each a few sentences: who, and what it says last, where conclusions
    stand.
    """
    shown = [(one.heading, *_said_by(one), *_conclusion(one)) for one in words.answers if one.counts]
    differing = ((words.differ, *words.differences),) if words.differences else ()
    return (*((one,) for one in words.not_shown), *shown[:MOST_ON_PAPER], *differing)


def _said_by(answer: AnswerWords) -> Iterator[Sentence]:
    for fact in answer.facts:
        yield LABELLED.format(label=fact.label, value=fact.value) if fact.label else fact.value


def _conclusion(answer: AnswerWords) -> list[Sentence]:
    """Its last paragraphs, as many as a sheet has room for, and where the rest is."""
    lines = [": ".join(filter(None, (line.label, " ".join(line.paragraphs)))) for line in answer.lines]
    kept: list[str] = []
    while lines and (not kept or sum(map(len, kept)) + len(lines[-1]) <= LONGEST_ON_PAPER):
        kept.append(clean(lines.pop(), LONGEST_ON_PAPER))
    rest = [ON_PAGE] if lines or answer.pages or answer.left_out else []
    return [*rest, *map(Sentence, reversed(kept))]


def tag_of(answers: AnswersOfExam) -> Sentence:
    """What the list says of them in a few words; "" where no answer counts."""
    judgements = {one.judgement for one in answers.shown if one.counts}
    return next((TAGS[rank] for rank in RANKS if rank in judgements), NOTHING)


def _not_shown(answers: AnswersOfExam) -> Iterator[Sentence]:
    if answers.another_patient:
        yield ANOTHER_PATIENT
    if answers.unsure_patient:
        yield UNSURE_PATIENT
    if answers.unreadable:
        yield UNREADABLE


def _difference(one: Difference) -> Sentence:
    return (THERE if one.there else NOT_THERE).format(finding=finding_name(one.finding))


def _answer(shown: ShownAnswer, identity: Identity) -> AnswerWords:
    document = shown.document
    return AnswerWords(
        heading=HEADINGS[shown.judgement],
        verified=shown.judgement == "verified",
        counts=shown.counts,
        title=clean(document.title),
        facts=tuple(_facts(shown)),
        notes=tuple(_notes(shown, identity)),
        lines=tuple(map(_line, document.lines)),
        pages=shown.pages,
        left_out=MORE_AT_DISTRICT if document.left_out else NOTHING,
    )


def _facts(shown: ShownAnswer) -> Iterator[AnswerFact]:
    document = shown.document
    for label, persons in ((VERIFIED_BY, document.verified_by), (WRITTEN_BY, _authors(document))):
        if named := [_person(one) for one in persons]:
            yield AnswerFact(label, enumerated(named))
    if document.institution and not any(one.organisation for one in document.verified_by):
        yield AnswerFact(Sentence(""), as_it_is(document.institution))
    written = joined((date(document.written_at[:8]), Sentence(time_of_day(document.written_at[8:]))))
    if document.written_at:
        yield AnswerFact(WRITTEN, written)
    yield AnswerFact(CAME, moment(shown.received_at))


def _authors(document: Document) -> list[Person]:
    """Those who wrote it, where they are not those who verified it."""
    verifiers = {one.name for one in document.verified_by}
    return [one for one in document.persons if one.name not in verifiers]


def _person(one: Person) -> Sentence:
    if not one.organisation:
        return as_it_is(one.name)
    return BY_AND_FROM.format(person=clean(one.name), organisation=clean(one.organisation))


def _notes(shown: ShownAnswer, identity: Identity) -> Iterator[Sentence]:
    if shown.withdrawn:
        yield WITHDRAWN
    if shown.replaced:
        yield REPLACED
    if shown.document.is_preliminary:
        yield PRELIMINARY
    theirs = shown.document.patient_name
    if theirs and identity.patient_name and _letters(theirs) != _letters(identity.patient_name):
        yield OTHER_NAME.format(name=person_name(theirs))


def _letters(name: str) -> list[str]:
    """The parts of a name in any order and case."""
    return sorted(each_once(name.partition("=")[0].replace("^", " ").replace(",", " ").casefold().split()))


def _line(line: Line) -> AnswerLine:
    paragraphs = (clean(paragraph, LONGEST_PARAGRAPH) for paragraph in line.text.split("\n"))
    return AnswerLine(line.level, clean(line.label), tuple(filter(None, paragraphs)))
