"""An exam that a person names to a command: by its number, as it was read out over the phone."""

from leapfrog.errors import UsageError
from leapfrog.exam_number import ALPHABET, SHORTEST, is_right, likely, meant, with_dash
from leapfrog.state.records import StudyRecord
from leapfrog.state.studies import Studies

ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}
MADE_OF = f"Exam numbers are made of {ALPHABET[0]} to 9 and of {' '.join(filter(str.isalpha, ALPHABET))}."
ASK_AGAIN = "Have it read out once more, one character after the other."


def numbered_exam(studies: Studies, given: str) -> StudyRecord | None:
    """The exam with the number `given`, in any case, with or without its dash; None when `given` is not meant as one.
    Raises UsageError, which says which character cannot be right, when there is no such exam.
    """
    compact = meant(given)
    if compact is None:
        return None
    if is_right(compact):
        number = with_dash(compact)
        study = studies.with_number(number)
        if study is None:
            raise UsageError(
                f"There is no exam {number} on this box: it was deleted after retention.keep_days, was forgotten on"
                " request, or is another box's."
            )
        return study
    raise UsageError(f"There is no exam {given.strip()}: {_why(studies, compact)}")


def _why(studies: Studies, compact: str) -> str:
    if len(compact) < SHORTEST:
        return f"it has {len(compact)} characters, and the shortest numbers have {SHORTEST}. {ASK_AGAIN}"
    strange = [place for place, letter in enumerate(compact, start=1) if letter not in ALPHABET]
    if strange:
        named = " and ".join(f"{_ordinal(place)} character, {compact[place - 1]}," for place in strange)
        return f"the {named} cannot be right. {MADE_OF}{_meant(studies, compact)}"
    return (
        "its check character does not fit, so one character is wrong, or two are swapped."
        f"{_meant(studies, compact) or f' {ASK_AGAIN}'}"
    )


def _meant(studies: Studies, compact: str) -> str:
    """Which exams of this box have a number that differs from `compact` in one character, or in two that are swapped.
    What is wrong if one of these is meant, is said with it.
    """
    there = [(places, number) for places, number in likely(compact) if studies.with_number(number) is not None]
    if not there:
        return ""
    named = " or ".join(f"{number} (then {_wrong(places, compact)})" for places, number in there)
    return f" Of the exams on this box, it may be {named}."


def _wrong(places: tuple[int, ...], compact: str) -> str:
    if len(places) == 1:
        return f"the {_ordinal(places[0])} character, {compact[places[0] - 1]}, cannot be right"
    return f"the {_ordinal(places[0])} and the {_ordinal(places[1])} character are swapped"


def _ordinal(place: int) -> str:
    return ORDINALS.get(place, f"{place}th")
