"""What a search of the worklist finds, as a nurse, an officer or a radiologist types it; and what it does not."""
# ruff: noqa: RUF001

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from leapfrog.worklist.listed_exam import ListedExam
from support.browser import Browser, chromium_program
from support.listed import listed_exam, write_worklist

pytestmark = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")

TODAY = "2026-11-28"  # a Saturday
LOOK: dict[str, Any] = {"kind": "look", "headline": "1 finding needs a look: Pleural effusion"}
NOT_ASSESSED: dict[str, Any] = {"kind": "not_assessed", "headline": "Not assessed"}


def _exam(
    name: str, number: str, day: str = "2026-06-20", born: str = "1999-09-09", exam_number: str = "", **values: Any
) -> ListedExam:
    exam = listed_exam(name, day=day, patient_id=number, exam_date=day, birth_date=born, **values)
    return replace(exam, study=replace(exam.study, exam_number=exam_number))


EXAMS = [
    _exam(
        "Okello^Grace",
        "KIT-595",
        TODAY,
        "1984-02-17",
        "K7-5K4",
        age_and_sex="42 years, female",
        accession_number="A77/3",
    ),
    _exam("O’Brien^Seán", "MRN 00 77 12", "2026-11-27", "1951-02-17", age_and_sex="75 years, male"),
    _exam("Ould-Ahmed^Zeïnab", "KLA-12-DEC-0034", "2024-01-30", "1951-02-20", age_and_sex="72 years, female"),
    _exam("Müller^Jürgen", "04MAR1984-7", "2024-01-12", **LOOK),
    _exam("Mueller^Samuel", "HN0000815", "2023-07-02", **NOT_ASSESSED),
    _exam("Jan^Ann Rea", "KIT-2024-6", "2026-11-26", exam_number="9R-2MX"),
    _exam("May^Peter", "not given", "2025-05-14"),
    _exam("Ahmed^Mohamed=محمد^أحمد", "55-1"),
    _exam("Yamada^Taro=山田^太郎", "56-1"),
    _exam("አበበ^ሠላም", "57-1"),
    _exam("राम^कुमार", "58-1"),
    _exam("Ａｋｅｌｌｏ^İpek", "59-1"),
]

FOUND = {
    "Okello, Grace": [
        "okello", "OKELLO grace", "grace okello", "okello,grace", "Okello^Grace", "okello; grace", "Okello, G", "okell",
        "Mrs Okello", "name:okello", "okellograce", "graceokello", "“Okello”",
        "K7-5K4", "k75k4", "K7–5K4", "K7\u20115K4", "K7 5K4", "K 7 5 K 4", "k7−5k4", "exam K7-5K4", "exam no. K7-5K4",
        "#K7-5K4", "k7-5", "KIT-595", "kit595", "kit 595", "595", "patient KIT-595", "ID:595", "a77/3", "A773",
        "acc. A77/3", "today", "Saturday", "2026-11-28", "28/11/2026", "28.11.2026", "28-11-26", "11/28/2026",
        "20261128", "28112026", "281126", "28/11", "28.11.", "28 Nov 2026", "nov 28", "November 28th, 2026",
        "28-nov-2026", "28nov", "2026/11/28", "28nov2026", "Sat 28 November 2026", "28th of november 2026", "28 nov 26",
        "2026 nov 28", "28 11 2026", "٢٨/١١/٢٠٢٦", "२८/११/२०२६", "grace 28/11/26", "28 nov 2026 okello", "today 14:25",
        "1984 grace", "17/2/1984", "17 feb 84", "17021984", "17feb1984", "feb 1984", "02/1984", "2/84", "born 17/2/84",
        "dob:17.2.84", "42 years",
    ],
    "O’Brien, Seán": [
        "obrien", "o'brien", "O’Brien", "OʼBRIEN", "o brien", "brien", "sean", "Seán", "MRN007712", "mrn 00 77 12",
        "7712", "yesterday", "friday", "27/11/2026", "17 feb 51", "17/2/51", "feb 17 1951", "male",
    ],
    "Ould-Ahmed, Zeïnab": [
        "ouldahmed", "ould ahmed", "ould-ahmed", "OuldAhmed zeinab", "zeïnab", "KLA-12-DEC-0034", "kla12dec0034",
        "kla 12 dec 34", "30012024", "30jan2024", "30/01/2024", "30 jan 2024", "jan 30, 2024", "30 January 24",
        "20 feb 51", "300124", "240130", "jan30 2024",
    ],
    "Müller, Jürgen": ["jurgen", "juergen", "Jürgen", "04MAR1984-7", "mar1984-7", "pleural", "effusion", "12 jan 2024"],
    "Mueller, Samuel": [
        "samuel", "hn815", "HN0000815", "815", "july", "jul 2023", "07/2023", "2023-07", "not assessed", "assessed",
    ],
    "Jan, Ann Rea": ["rea", "ann", "9R-2MX", "kit2024-6", "thursday", "jan 2026"],
    "May, Peter": ["may peter", "may 14", "14 may 2025", "may 2025"],
    "Ahmed, Mohamed (محمد, أحمد)": ["محمد", "احمد", "مُحَمَّد", "أحمد محمد", "mohamed ahmed", "55-1"],
    "Yamada, Taro (山田, 太郎)": ["山田", "田", "山田太郎", "taro yamada"],
    "አበበ, ሠላም": ["አበበ", "ሰላም", "ዐበበ"],
    "राम, कुमार": ["राम", "कुमार राम"],
    "Ａｋｅｌｌｏ, İpek": ["akello", "ＡＫＥＬＬＯ", "ipek", "İPEK"],
}  # fmt: skip
FOUND_TOGETHER = {
    "mueller": ["Müller, Jürgen", "Mueller, Samuel"],
    "müller": ["Müller, Jürgen", "Mueller, Samuel"],
    "muller": ["Müller, Jürgen", "Mueller, Samuel"],
    "ahmed": ["Ould-Ahmed, Zeïnab", "Ahmed, Mohamed (محمد, أحمد)"],
    "ed": [],
    "a": ["Jan, Ann Rea", "Ould-Ahmed, Zeïnab", "Ahmed, Mohamed (محمد, أحمد)", "Ａｋｅｌｌｏ, İpek"],
    "january": ["Ould-Ahmed, Zeïnab", "Müller, Jürgen"],
    "jan 2024": ["Ould-Ahmed, Zeïnab", "Müller, Jürgen", "Jan, Ann Rea"],  # January, and Jan with a number of 2024
    "january 2024": ["Ould-Ahmed, Zeïnab", "Müller, Jürgen"],
    "2024-01": ["Ould-Ahmed, Zeïnab", "Müller, Jürgen"],
    "01/2024": ["Ould-Ahmed, Zeïnab", "Müller, Jürgen"],
    "feb 51": ["O’Brien, Seán", "Ould-Ahmed, Zeïnab"],
    "17 feb": ["Okello, Grace", "O’Brien, Seán"],
    "may": ["May, Peter"],
    "female": ["Okello, Grace", "Ould-Ahmed, Zeïnab"],
    "needs a look": ["Müller, Jürgen"],
    "read": [],
    "sent": [],
    "given": [],
    "29/11/2026": [],
    "31/13/2026": [],
    "2024 okello": [],
    "राम रम": [],
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """What each text finds, of one page."""
    index = write_worklist(tmp_path_factory.mktemp("list"), EXAMS)
    texts = [*FOUND_TOGETHER, *(text for usual in FOUND.values() for text in usual)]
    # What this device cannot draw stands in the title.
    name = "(row) => { const { title, textContent } = row.querySelector('bdi'); return title || textContent; }"
    search = f"(query) => new Rows().found({{ query, filter: '', today: '{TODAY}' }}).map({name})"
    with Browser() as browser:
        browser.open(index)
        found = browser.value(f"{json.dumps(texts)}.map({search})")
    yield dict(zip(texts, found, strict=True))


@pytest.mark.parametrize("name", FOUND)
def test_an_exam_is_found_by_whatever_people_usually_type(name: str, answers: dict[str, list[str]]) -> None:
    wrong = {text: answers[text] for text in FOUND[name] if answers[text] != [name]}
    assert not wrong


def test_a_search_finds_what_was_meant_and_no_more(answers: dict[str, list[str]]) -> None:
    wrong = {text: answers[text] for text, names in FOUND_TOGETHER.items() if sorted(answers[text]) != sorted(names)}
    assert not wrong
