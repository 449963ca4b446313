"""What a patient's own copy says of itself, in README.TXT, and to whoever made it: for people who know nothing of
DICOM, and for the next doctor.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from leapfrog.language.sentence import Sentence, plural, sentence
from leapfrog.language.speaker import Speaker
from leapfrog.wording.text import as_it_is, date, moment, or_not_given, person_name

WIDTH = 76  # of a line, as on paper
LINE_END = "\r\n"  # as Windows' Notepad has wanted it for longest
FROM_THE_RIGHT, END = "\u202b", "\u202c"  # around a line: many programs take every text file to run from the left
BYTE_ORDER_MARK = "\ufeff"  # by which Windows knows UTF-8

TITLE = sentence("Your exam {exam}: images and report")
PATIENT = sentence("Patient: {name}")
BIRTH = sentence("Born: {day}")
NUMBER = sentence("Patient number: {number}")
COPIED = sentence("Copied at {station}, {moment}")
PRIVATE = sentence(
    "This copy is not locked. Whoever has it can see your images and your report. Keep it like a letter from your"
    " doctor."
)
REPORT = sentence("REPORT.PDF is the report. Any phone or computer opens it.")
BY_PROGRAM = sentence(
    "The report was written by a computer program that looked at your images. It is not a diagnosis, and it may be"
    " wrong. Show it to a doctor."
)
ANSWERED = sentence("A radiologist has answered about this exam. The report says what the answer is.")
PICTURES = sentence(
    "The folder PICTURES has your images as ordinary pictures, to look at. They are not good enough for a diagnosis."
)
FOR_DOCTORS = sentence(
    "For doctors: the original images are in the folder PT000000. Open the file DICOMDIR with a DICOM viewer. They are"
    " uncompressed, or in JPEG as the machine made them (PS3.11, STD-GEN-USB-JPEG)."
)
CONTENTS = sentence("CONTENTS.TXT lists the files with their checksums (SHA-256).")
IS_MISSING = sentence("What is missing on this copy:")
NO_REPORT = sentence("There is no report yet. Ask for a new copy once the exam was read.")
OLDER_REPORT = sentence("The report does not cover all images yet. Ask for a new copy later.")
UNREAD = plural("{count} image was not read yet.", "{count} images were not read yet.")
LEFT_OUT = plural(
    "{count} image is not on this copy: its file at the clinic is damaged or missing.",
    "{count} images are not on this copy: their files at the clinic are damaged or missing.",
)
PUT_ASIDE = plural(
    "{count} file is in the folder OTHERS as it came, since it could not be put in the form that viewers read.",
    "{count} files are in the folder OTHERS as they came, since they could not be put in the form that viewers read.",
)
FEWER_PICTURES = sentence("The folder PICTURES has the first {count} images only.")
DIFFERING = sentence(
    "Be careful: the images of this exam give more than one name or date of birth. Some may be of another person."
)

UNREVIEWED_TEXT = sentence(
    "No native reader has reviewed this translation. Where the two differ, the English text below counts."
)


@dataclass(frozen=True)
class CopyFacts:
    """What a copy has and lacks. `report_made_at` is "" where there is no report; `pictures_left_out`: there are more
    images than pictures; `differing`: its images name several patients.
    """

    exam_number: str
    station: str
    copied_at: str
    patient_name: str
    patient_id: str
    birth_date: str
    originals: int
    pictures: int
    report_made_at: str = ""
    report_is_older: bool = False
    answers: int = 0
    unread: int = 0
    left_out: int = 0
    put_aside: int = 0
    pictures_left_out: bool = False
    differing: bool = False

    def lacking(self) -> tuple[Sentence, ...]:
        """What is missing, or to be known, a sentence each."""
        return tuple(self._lacking())

    def _lacking(self) -> Iterator[Sentence]:
        if self.differing:
            yield DIFFERING
        if not self.report_made_at:
            yield NO_REPORT
        elif self.report_is_older:
            yield OLDER_REPORT
        if self.unread:
            yield UNREAD.format(count=self.unread)
        if self.left_out:
            yield LEFT_OUT.format(count=self.left_out)
        if self.put_aside:
            yield PUT_ASIDE.format(count=self.put_aside)
        if self.pictures_left_out:
            yield FEWER_PICTURES.format(count=self.pictures)


def readme(facts: CopyFacts, speaker: Speaker) -> bytes:
    """README.TXT, in the language of the station; and in English too, where no native reader has reviewed that."""
    texts = [_directed(_text(facts, speaker), speaker)]
    if speaker.catalogue.needs_english:
        english = Speaker("en")
        texts += [_directed(_paragraph(one.say(UNREVIEWED_TEXT)), one) for one in (speaker, english)]
        texts.append(_text(facts, english))
    return (BYTE_ORDER_MARK + f"{LINE_END}{LINE_END}".join(texts) + LINE_END).encode()


def _text(facts: CopyFacts, speaker: Speaker) -> str:
    head = (
        PATIENT.format(name=or_not_given(person_name(facts.patient_name))),
        NUMBER.format(number=or_not_given(facts.patient_id)),
        BIRTH.format(day=date(facts.birth_date) or or_not_given("")),
        COPIED.format(station=as_it_is(facts.station), moment=moment(facts.copied_at)),
    )
    title = speaker.say(TITLE.format(exam=facts.exam_number))
    blocks = [
        LINE_END.join((title, "=" * len(title))),
        LINE_END.join(map(speaker.say, head)),
        *(_paragraph(speaker.say(one)) for one in _paragraphs(facts)),
    ]
    if lacking := facts.lacking():
        listed = (_paragraph(speaker.say(one), "- ") for one in lacking)
        blocks.insert(2, LINE_END.join((speaker.say(IS_MISSING), *listed)))
    return f"{LINE_END}{LINE_END}".join(blocks)


def _directed(text: str, speaker: Speaker) -> str:
    """The text, each line of which says so if it runs from the right."""
    if not speaker.language.right_to_left:
        return text
    return LINE_END.join(f"{FROM_THE_RIGHT}{line}{END}" if line else "" for line in text.split(LINE_END))


def _paragraphs(facts: CopyFacts) -> Iterator[Sentence]:
    if facts.report_made_at:
        yield REPORT
        yield BY_PROGRAM
    if facts.answers and facts.report_made_at:
        yield ANSWERED
    if facts.pictures:
        yield PICTURES
    yield FOR_DOCTORS
    yield PRIVATE
    yield CONTENTS


def _paragraph(text: str, mark: str = "") -> str:
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return LINE_END.join(lines)
