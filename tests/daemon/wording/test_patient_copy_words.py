"""README.TXT of a patient's own copy: whole in every language, and as plain as a text file can be."""

from dataclasses import replace
from typing import get_args

import pytest

from leapfrog.language.languages import LanguageCode
from leapfrog.language.speaker import Speaker
from leapfrog.wording.patient_copy_words import WIDTH, CopyFacts, readme

FACTS = CopyFacts(
    exam_number="K7-42F",
    station="Kitgum",
    copied_at="2026-11-03T14:22:00",
    patient_name="Okello^Grace",
    patient_id="KIT-7",
    birth_date="19800212",
    originals=3,
    pictures=2,
    report_made_at="2026-11-03T14:00:00",
)


def text(facts: CopyFacts, language: str = "en") -> str:
    return readme(facts, Speaker(language)).decode("utf-8-sig")


@pytest.mark.parametrize("language", get_args(LanguageCode))
def test_it_is_said_in_every_language_and_in_english_where_nobody_reviewed_it(language: str) -> None:
    said = text(replace(FACTS, unread=1, left_out=2, put_aside=3, differing=True, answers=1), language)
    assert said.count("Okello, Grace") == (1 if language == "en" else 2)
    assert said.count("REPORT.PDF") == (1 if language == "en" else 2)
    assert "{" not in said
    assert " ".join(said.split()).count("It is not a diagnosis") == 1


def test_its_lines_are_those_that_every_program_shows() -> None:
    content = readme(replace(FACTS, unread=12), Speaker("en"))
    assert content.startswith(b"\xef\xbb\xbf")
    lines = content.decode("utf-8-sig").split("\r\n")
    assert "\n" not in "".join(lines) and max(map(len, lines)) <= WIDTH


def test_it_speaks_of_nothing_that_is_not_there() -> None:
    said = text(replace(FACTS, report_made_at="", pictures=0, patient_name="", birth_date=""))
    assert "REPORT.PDF" not in said and "PICTURES" not in said
    assert "There is no report yet" in said and "Patient: not given" in said


def test_whoever_wrote_a_name_steers_no_terminal() -> None:
    assert "\x1b" not in text(replace(FACTS, patient_name="Okello\x1b[2J^Grace"))
