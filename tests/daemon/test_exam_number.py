"""Every number is given once, and a wrong one is seen to be wrong."""

import random

import pytest

from leapfrog.exam_number import (
    ALPHABET,
    BASE,
    SHORTEST,
    exam_number,
    is_exam_number,
    is_right,
    likely,
    meant,
    ordinal_of,
    with_dash,
)

LAST_OF_THE_SHORTEST = BASE ** (SHORTEST - 1) - 1
SOME = [exam_number(ordinal) for ordinal in (*range(300), *range(300, LAST_OF_THE_SHORTEST + 20_000, 4_999))]


def test_the_numbers_stay_what_they_are() -> None:
    """What is printed must name the same exam for ever."""
    assert [exam_number(ordinal) for ordinal in (1, 2, 3, 1000)] == ["K6-W6Q", "7D-RCQ", "RK-PHQ", "XW-JWM"]


def test_no_two_exams_have_the_same_number_and_when_those_of_a_length_are_used_up_they_are_longer() -> None:
    numbers = [exam_number(ordinal) for ordinal in range(LAST_OF_THE_SHORTEST + 1)]
    assert len(set(numbers)) == len(numbers) == 279_841
    assert {len(number) for number in numbers} == {len("K7-42F")}
    assert len(exam_number(LAST_OF_THE_SHORTEST + 1)) == len("K7-42FX")


@pytest.mark.parametrize("ordinal", [0, 1, LAST_OF_THE_SHORTEST, LAST_OF_THE_SHORTEST + 1, 6_716_183, 6_716_184, 10**9])
def test_a_number_says_which_it_is(ordinal: int) -> None:
    assert ordinal_of(exam_number(ordinal)) == ordinal
    assert is_exam_number(exam_number(ordinal))


def test_no_character_is_taken_for_another() -> None:
    assert not set("0O1ILZSBUV") & set(ALPHABET)
    assert BASE in (23, 29, 31), "the check needs a prime"


def test_every_single_wrong_character_is_caught() -> None:
    for number in SOME:
        compact = number.replace("-", "")
        for place in range(len(compact)):
            for letter in ALPHABET:
                other = compact[:place] + letter + compact[place + 1 :]
                assert is_right(other) == (letter == compact[place])


def test_every_two_characters_that_are_swapped_are_caught() -> None:
    for number in SOME:
        letters = list(number.replace("-", ""))
        for one in range(len(letters)):
            for other in range(one):
                swapped = letters.copy()
                swapped[one], swapped[other] = letters[other], letters[one]
                assert is_right("".join(swapped)) == (swapped == letters)


def test_exams_of_one_day_look_nothing_alike() -> None:
    for ordinal in range(1, 200):
        one, next_one = exam_number(ordinal), exam_number(ordinal + 1)
        assert sum(a != b for a, b in zip(one, next_one, strict=True)) >= 3


@pytest.mark.parametrize("typed", ["k7-42f", "K742F", " k7 42f ", "K7\u201342F", "k7-4-2F"])
def test_it_is_typed_in_any_way(typed: str) -> None:
    assert meant(typed) == "K742F"


@pytest.mark.parametrize("typed", ["272ef95f8d179f04", "2026-11-03/272ef95f8d179f04/report.html", "", "K7", "K7/42F"])
def test_what_is_no_number_is_not_taken_for_one(typed: str) -> None:
    assert meant(typed) is None


@pytest.mark.parametrize("text", ["", "K742F", "k7-42f", "K7-42G", "K7-42", "K-742F", "K7-422F"])
def test_a_record_holds_a_number_as_it_is_written_or_none(text: str) -> None:
    assert not is_exam_number(text)
    with pytest.raises(ValueError, match="no exam number"):
        ordinal_of(text)


def test_what_may_be_meant_is_among_the_likely_ones() -> None:
    chance = random.Random(7)
    for number in SOME[:100]:
        compact = number.replace("-", "")
        place = chance.randrange(len(compact))
        wrong = compact[:place] + chance.choice("0OILSZ") + compact[place + 1 :]
        assert ((place + 1,), number) in list(likely(wrong))
        swapped = compact[1] + compact[0] + compact[2:]
        if swapped != compact:
            assert ((1, 2), number) in list(likely(swapped))
        assert all(is_exam_number(one) for _, one in likely(wrong))
    assert list(likely("K7")) == []
    assert with_dash("K742F") == "K7-42F"
