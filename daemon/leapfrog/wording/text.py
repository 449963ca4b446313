"""Text for staff: input from outside is made harmless, and DICOM values are made readable.

Patient names are hostile input: they may hold markup, control characters, marks that reverse the reading direction, or
a thousand letters. The templates take care of markup (autoescape), this file of the rest.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from leapfrog.patient_age import Age

NOT_GIVEN = "not given"
UNSHOWABLE = "[?]"  # in place of characters that cannot be shown safely; every PDF core font can draw it
LONGEST_TEXT = 256  # characters; a DICOM person name has at most 3 x 64
MOST_MARKS = 6  # combining marks on one letter; more would run over the lines above and below
MOST_NAMED_EXAMS = 5
JOINERS = "\u200c\u200d"  # format characters that Indic scripts and Persian need within words
SEXES = {"M": "male", "F": "female", "O": "other"}


def harmless(text: str) -> str:
    """`text` with its lines, without what would steer a terminal: a name of a file or an answer of a server may hold
    escape sequences that clear the screen, change what stands there, or turn its direction.
    """
    return "".join(
        letter if letter in "\n\t" or letter in JOINERS or unicodedata.category(letter)[0] != "C" else UNSHOWABLE
        for letter in text
    )


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` as one line that cannot disturb the text around it: at most `longest` characters, then an ellipsis."""
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


def or_not_given(text: str) -> str:
    """`text` made harmless, or NOT_GIVEN if there is none."""
    return clean(text) or NOT_GIVEN


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


def date(value: str) -> str:
    """DICOM's YYYYMMDD (or the old YYYY.MM.DD) as YYYY-MM-DD; anything else unchanged but made harmless."""
    digits = value.replace(".", "").strip()
    if len(digits) == 8 and digits.isascii() and digits.isdigit():
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return clean(value)


def time_of_day(value: str) -> str:
    """DICOM's HHMMSS.FFFFFF as HH:MM; empty for anything else."""
    digits = value.replace(":", "").strip()[:4]
    return f"{digits[:2]}:{digits[2:]}" if len(digits) == 4 and digits.isascii() and digits.isdigit() else ""


def moment(value: str) -> str:
    """An ISO 8601 time as `2026-11-03 14:22`; anything else unchanged but made harmless."""
    try:
        return datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return clean(value)


def date_of(value: str) -> str:
    """The day of an ISO 8601 time, as `2026-11-03`; anything else unchanged but made harmless."""
    return moment(value).partition(" ")[0]


def sex(value: str) -> str:
    """The patient's sex as a word; an unknown code unchanged but made harmless."""
    return SEXES.get(value.strip().upper(), clean(value))


def age_in_words(age: Age) -> str:
    """`41 years`, `1 month`."""
    return count(age.number, age.unit)


def count(number: int, thing: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def span(seconds: float) -> str:
    """How long something took or has lasted, in its largest whole unit; "" below a minute."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return count(int(seconds // size), unit)
    return ""


def byte_size(byte_count: int) -> str:
    """A size on a disk, as people read it."""
    if byte_count < 100e6:
        return f"{byte_count / 1e6:.1f} MB"
    return f"{byte_count / 1e9:.1f} GB" if byte_count < 10e9 else f"{byte_count / 1e9:,.0f} GB"


def in_a_sentence(name: str) -> str:
    """`Lung mass` as `lung mass`; an abbreviation as it is."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def each_once(words: Iterable[str]) -> list[str]:
    """The words that are not empty, each once, in their order."""
    return list(dict.fromkeys(word for word in words if word))


def exams_in_brackets(numbers: Sequence[str]) -> str:
    """` (exams K7-42F and CN-MP3)`, to stand behind what is said of them: the first few. "" where there are none."""
    if not numbers:
        return ""
    named = [*numbers[:MOST_NAMED_EXAMS], *(["others"] if len(numbers) > MOST_NAMED_EXAMS else [])]
    listed = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    return f" ({'exam' if len(named) == 1 else 'exams'} {listed})"
