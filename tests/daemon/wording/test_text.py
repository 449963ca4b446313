"""Text from outside is shown harmlessly and readably."""

import pytest

from leapfrog.exam import Code
from leapfrog.wording.finding_words import finding_name
from leapfrog.wording.text import LONGEST_TEXT, clean, date, moment, person_name, time_of_day
from support.readings import finding


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        ("Okello^Grace", "Okello, Grace"),
        ("Okello^Grace^A^Dr^PhD", "Okello, Dr Grace A PhD"),
        ("Okello", "Okello"),
        ("^Grace", "Grace"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎) (やまだ, たろう)"),
        ("=山田^太郎", "山田, 太郎"),
        ("^^^^", ""),
        ("", ""),
        ("  Okello ^ Grace ", "Okello, Grace"),
    ],
)
def test_a_person_name_is_written_as_staff_write_it(received: str, shown: str) -> None:
    assert person_name(received) == shown


def test_marks_that_turn_the_reading_direction_become_visible() -> None:
    assert clean("\u202egnp.exe\u2066") == "[?]gnp.exe[?]"


def test_control_characters_and_line_breaks_cannot_break_a_line() -> None:
    assert clean("a\x00\x1b[31mb\r\nc\u2028d\x85e") == "a[?][31mb c d e"


def test_joiners_that_scripts_need_are_kept() -> None:
    assert clean("क्\u200dष") == "क्\u200dष"


def test_letters_are_not_buried_under_combining_marks() -> None:
    assert len(clean("a" + "\u0301" * 500)) < 10


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert clean("W" * 10_000) == "W" * LONGEST_TEXT + "…"


def test_dates_and_times_are_unambiguous_and_odd_ones_are_shown_as_they_came() -> None:
    assert [date("20261103"), date("2026.11.03"), date("19xx"), date("")] == ["2026-11-03", "2026-11-03", "19xx", ""]
    assert [time_of_day("142210.5"), time_of_day("9"), time_of_day("٠١٢٣")] == ["14:22", "", ""]
    assert [moment("2026-11-03T14:25:10+03:00"), moment("soon")] == ["2026-11-03 14:25", "soon"]


def test_pneumonia_is_worded_as_a_picture_and_not_as_a_diagnosis() -> None:
    code = Code(value="233604007", scheme="SCT", meaning="Pneumonia")
    assert finding_name(finding("Pneumonia", code=code)) == "Features that can be seen in pneumonia"
