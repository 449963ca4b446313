"""Text for staff: input from outside is made harmless, and DICOM values are made readable.

Patient names are hostile input: they may hold markup, control characters, marks that reverse the reading direction, or
a thousand letters. The templates take care of markup (autoescape), this file of the rest.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, overload

from leapfrog.language.sentence import Sentence, day, known, number, plural, sentence, term

if TYPE_CHECKING:
    from leapfrog.patient_age import Age

NOT_GIVEN = sentence("not given")
UNSHOWABLE = "[?]"  # in place of characters that cannot be shown safely; every PDF core font can draw it
LONGEST_TEXT = 256  # characters; a DICOM person name has at most 3 x 64
MOST_MARKS = 6  # combining marks on one letter; more would run over the lines above and below
MOST_NAMED_EXAMS = 5
JOINERS = "\u200c\u200d"  # format characters that Indic scripts and Persian need within words
SEXES = {"M": term("sex", "male"), "F": term("sex", "female"), "O": term("sex", "other")}
# How long something lasts or took, or how old somebody is. As it stands after "for" or alone.
DURATIONS: dict[str, Sentence] = {
    "year": plural("{count} year", "{count} years"),
    "month": plural("{count} month", "{count} months"),
    "week": plural("{count} week", "{count} weeks"),
    "day": plural("{count} day", "{count} days"),
    "hour": plural("{count} hour", "{count} hours"),
    "minute": plural("{count} minute", "{count} minutes"),
}
IMAGES = plural("{count} image", "{count} images")
MEGABYTES, GIGABYTES = sentence("{size} MB"), sentence("{size} GB")

Text = TypeVar("Text", bound=str)


def harmless(text: str) -> str:
    """`text` with its lines, without what would steer a terminal: a name of a file or an answer of a server may hold
    escape sequences that clear the screen, change what stands there, or turn its direction.
    """
    return "".join(
        letter if letter in "\n\t" or letter in JOINERS or unicodedata.category(letter)[0] != "C" else UNSHOWABLE
        for letter in text
    )


@overload
def clean(text: Sentence, longest: int = LONGEST_TEXT) -> Sentence: ...


@overload
def clean(text: str, longest: int = LONGEST_TEXT) -> str: ...


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` as one line that cannot disturb the text around it: at most `longest` characters, then an ellipsis. In a
    sentence that is what is not ours; one that is too long stays English.
    """
    if isinstance(text, Sentence):
        said = text.with_plain(lambda plain: _spaced_as(plain, _clean(plain, longest)))
        return said if len(said) <= longest else Sentence(_clean(said, longest))
    return _clean(text, longest)


def _spaced_as(text: str, cleaned: str) -> str:
    """`cleaned` with a blank at its ends where `text` has one: between two parts of a sentence it counts."""
    if not cleaned:
        return " " if text else ""
    return f"{' ' if text[:1].isspace() else ''}{cleaned}{' ' if text[-1:].isspace() else ''}"


def _clean(text: str, longest: int) -> str:
    kept: list[str] = []
    marks = 0
    for letter in " ".join(text.split()):
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > MOST_MARKS:
            continue
        if category[0] == "C" and letter not in JOINERS:
            if kept[-1:] != [UNSHOWABLE]:
                kept.append(UNSHOWABLE)
        else:
            kept.append(letter)
        if len(kept) > longest:
            return "".join(kept[:longest]) + "…"
    return "".join(kept)


def one_line(text: str) -> str:
    """`text` with a blank in place of each character that is not printed, except those that join or part letters."""
    return "".join(letter if letter.isprintable() or letter in JOINERS else " " for letter in text)


def or_not_given(text: str) -> Sentence:
    """`text` made harmless, or NOT_GIVEN if there is none."""
    return as_it_is(text) or NOT_GIVEN


def as_it_is(text: str) -> Sentence:
    """What somebody else wrote, made harmless: it is the same in every language."""
    return Sentence(clean(str(text)))


def person_name(value: str) -> str:
    """A DICOM person name (PS3.5 6.2.1) as staff write it: `Okello^Grace^A^Dr` becomes `Okello, Dr Grace A`.

    Further component groups (ideographic, phonetic) follow in brackets. Empty when no name was given.
    """
    groups = [readable for group in value.split("=") if (readable := _name_group(group))]
    if not groups:
        return ""
    return clean(groups[0] + "".join(f" ({group})" for group in groups[1:]))


def _name_group(group: str) -> str:
    parts = [" ".join(part.split()) for part in group.split("^")]
    family, given_name, middle, prefix, suffix = (parts + [""] * 5)[:5]
    rest = " ".join(part for part in (prefix, given_name, middle, suffix, *parts[5:]) if part)
    return ", ".join(part for part in (family, rest) if part)


def date(value: str) -> Sentence:
    """DICOM's YYYYMMDD (or the old YYYY.MM.DD) as YYYY-MM-DD; anything else unchanged but made harmless."""
    digits = value.replace(".", "").strip()
    if len(digits) == 8 and digits.isascii() and digits.isdigit():
        return day(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    return as_it_is(value)


def time_of_day(value: str) -> str:
    """DICOM's HHMMSS.FFFFFF as HH:MM; empty for anything else."""
    digits = value.replace(":", "").strip()[:4]
    return f"{digits[:2]}:{digits[2:]}" if len(digits) == 4 and digits.isascii() and digits.isdigit() else ""


def moment(value: str) -> Sentence:
    """An ISO 8601 time as `2026-11-03 14:22`; anything else unchanged but made harmless."""
    try:
        return day(datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M"))
    except ValueError:
        return as_it_is(value)


def date_of(value: str) -> Sentence:
    """The day of an ISO 8601 time, as `2026-11-03`; anything else unchanged but made harmless."""
    try:
        return day(datetime.fromisoformat(value).strftime("%Y-%m-%d"))
    except ValueError:
        return as_it_is(value)


def sex(value: str) -> Sentence:
    """The patient's sex as a word; an unknown code unchanged but made harmless."""
    return SEXES.get(value.strip().upper()) or as_it_is(value)


def age_in_words(age: "Age") -> Sentence:
    """`41 years`, `1 month`."""
    return DURATIONS[age.unit].format(count=age.number)


def images(count: int) -> Sentence:
    """`1 image`, `2 images`."""
    return IMAGES.format(count=count)


def count(number: int, thing: str) -> str:
    """`1 file`, `2 files`, for a technician: in English only."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def span(seconds: float) -> Sentence:
    """How long something took or has lasted, in its largest whole unit; "" below a minute."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return DURATIONS[unit].format(count=int(seconds // size))
    return Sentence("")


def byte_size(byte_count: int) -> Sentence:
    """A size on a disk, as people read it."""
    if byte_count < 100e6:
        return MEGABYTES.format(size=number(f"{byte_count / 1e6:.1f}"))
    gigabytes = byte_count / 1e9
    return GIGABYTES.format(size=number(f"{gigabytes:.1f}" if byte_count < 10e9 else f"{gigabytes:,.0f}"))


def from_package(text: str, longest: int = LONGEST_TEXT) -> Sentence:
    """What a package says of itself or calls something: translated if the catalogues have it."""
    written = clean(text, longest)
    return known(written) if written == text else Sentence(written)


def each_once(words: Iterable[Text]) -> list[Text]:
    """The words that are not empty, each once, in their order."""
    return list(dict.fromkeys(word for word in words if word))


def exams_in_brackets(numbers: Sequence[str]) -> str:
    """` (exams K7-42F and CN-MP3)`, to stand behind what is said of them: the first few. "" where there are none."""
    if not numbers:
        return ""
    named = [*numbers[:MOST_NAMED_EXAMS], *(["others"] if len(numbers) > MOST_NAMED_EXAMS else [])]
    listed = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    return f" ({'exam' if len(named) == 1 else 'exams'} {listed})"
