"""The short number by which people speak of an exam: `K7-42F`.

It is made of digits and letters that nobody takes for one another, and of no vowels, so that none spells a word. The
last one is a check character: with weights that differ, modulo a prime, it shows every single wrong character and every
two that are swapped. The numbers in their order are spread over all that there are of a length, so that two exams of
one day look nothing alike. When those of a length are used up, the next ones are one character longer.
"""

import re
from collections.abc import Iterator

ALPHABET = "23456789CDFGHJKMNPQRTWX"  # none of 0 O, 1 I L, 2 Z, 5 S, 8 B, U V
BASE = len(ALPHABET)  # a prime, on which the check rests
SHORTEST = 5  # characters, the check character included: 279,841 exams
LONGEST = 9  # 78 thousand million
CHECK_SUM = 14  # of the weighted characters, modulo BASE; not 0, so that 22-222 is none
BEFORE_THE_DASH = 2
SPREAD = 618  # thousandths of all numbers between one and the next: about the golden ratio
SEPARATORS = re.compile(r"[\s\u00ad\u2010-\u2015\u2212-]+")  # blanks and every kind of dash
MEANT = re.compile(r"[A-Za-z0-9]{4,9}")


def exam_number(ordinal: int) -> str:
    """The number of the exam that is the `ordinal`-th of this box; no two have the same. Ordinals begin with 0."""
    length, index = SHORTEST - 1, ordinal
    while index >= _total(length):
        index -= _total(length)
        length += 1
    value = index * _step(length) % _total(length)
    payload = "".join(ALPHABET[value // BASE**place % BASE] for place in reversed(range(length)))
    return with_dash(payload + _check_character(payload))


def ordinal_of(number: str) -> int:
    """The inverse of `exam_number`. Raises ValueError when `number` is none, written in full."""
    if not is_exam_number(number):
        raise ValueError(f"{number!r} is no exam number")
    compact = number.replace("-", "")
    length = len(compact) - 1
    value = 0
    for letter in compact[:-1]:
        value = value * BASE + ALPHABET.index(letter)
    index = value * pow(_step(length), -1, _total(length)) % _total(length)
    return index + sum(_total(shorter) for shorter in range(SHORTEST - 1, length))


def is_exam_number(text: str) -> bool:
    """Whether `text` is one, written in full."""
    compact = text.replace("-", "")
    return is_right(compact) and with_dash(compact) == text


def is_right(compact: str) -> bool:
    """Whether `compact`, without its dash, can be a number: its characters and the check character."""
    return SHORTEST <= len(compact) <= LONGEST and set(compact) <= set(ALPHABET) and not _remainder(compact)


def with_dash(compact: str) -> str:
    """As it is written."""
    return f"{compact[:BEFORE_THE_DASH]}-{compact[BEFORE_THE_DASH:]}"


def meant(text: str) -> str | None:
    """What a person typed, in capitals and without dashes, where it may be meant as an exam number; else None. It need
    not be right.
    """
    compact = SEPARATORS.sub("", text)
    return compact.upper() if MEANT.fullmatch(compact) else None


def likely(compact: str) -> Iterator[tuple[tuple[int, ...], str]]:
    """The numbers that `compact` becomes when one character of it is another, or two neighbours are swapped, each after
    the places (from 1) that are wrong then. They are right, which does not mean that there are such exams.
    """
    if not SHORTEST <= len(compact) <= LONGEST:
        return
    for place in range(len(compact)):
        for letter in ALPHABET:
            other = compact[:place] + letter + compact[place + 1 :]
            if letter != compact[place] and is_right(other):
                yield (place + 1,), with_dash(other)
    for place in range(len(compact) - 1):
        other = compact[:place] + compact[place + 1] + compact[place] + compact[place + 2 :]
        if other != compact and is_right(other):
            yield (place + 1, place + 2), with_dash(other)


def _total(length: int) -> int:
    """How many numbers have so many characters before the check character."""
    return int(BASE**length)


def _step(length: int) -> int:
    """Coprime to all numbers of that length, so that each comes once."""
    step = _total(length) * SPREAD // 1000
    return step if step % BASE else step + 1


def _remainder(compact: str) -> int:
    """0 where the check character is right. From the end, the characters weigh 1, 2, 3 ..."""
    total = sum(weight * ALPHABET.index(letter) for weight, letter in enumerate(reversed(compact), start=1))
    return (total - CHECK_SUM) % BASE


def _check_character(payload: str) -> str:
    return ALPHABET[-_remainder(payload + ALPHABET[0]) % BASE]
