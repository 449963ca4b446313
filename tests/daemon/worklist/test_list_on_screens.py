"""The worklist and its pages of older exams on a phone and a tablet: what is seen first, and what is too long."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leapfrog.language.sentence import Sentence
from leapfrog.problem import Problem
from leapfrog.wording.report_words import PackageCaution
from leapfrog.worklist.listed_exam import ListedExam
from support.browser import Browser, chromium_program
from support.listed import listed_exam, write_worklist

pytestmark = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")


def _read_by(package: str, name: str = "Okello^Grace", **values: Any) -> ListedExam:
    said = PackageCaution(package=package, caution=Sentence("Made from one hospital's films and tested at no other."))
    return listed_exam(name, package_cautions=(said,), **values)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(800, 1000) as one:
        yield one


def test_a_phone_shows_an_exam_without_being_scrolled(browser: Browser, tmp_path: Path) -> None:
    wrong = Problem(what="", for_staff=Sentence("Nothing can be sent to the district at present. Nothing is lost."))
    page = write_worklist(
        tmp_path, [_read_by("chest-findings")], district_silent_since="2026-11-03T09:10:00+03:00", attention=(wrong,)
    )
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    browser.open(page)
    first = browser.value("document.querySelector('#rows tr[class]').getBoundingClientRect().top")
    browser.call("Emulation.clearDeviceMetricsOverride")
    assert first < 640


def test_a_very_long_name_leaves_room_for_other_exams(browser: Browser, tmp_path: Path) -> None:
    browser.open(write_worklist(tmp_path, [listed_exam("W" * 1000, patient_id="9" * 300)]))
    assert browser.value("document.querySelector('#rows tr[class]').getBoundingClientRect().height") < 320


def test_older_exams_have_the_same_marks_and_numbers_as_in_the_list(browser: Browser, tmp_path: Path) -> None:
    numbered = listed_exam("Okello^Grace", day="2026-10-03", kind="look", urgent=True, headline="Urgent: Pneumothorax")
    numbered = replace(numbered, study=replace(numbered.study, exam_number="K7-42F"))
    write_worklist(tmp_path, [numbered], [numbered])
    seen = []
    for width in (360, 800):
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=740, deviceScaleFactor=1, mobile=True)
        for page in ("index.html", "older/1.html"):
            browser.open(tmp_path / page)
            seen.append(
                browser.value(
                    "(row => [getComputedStyle(row.cells[0], '::before').content,"
                    " getComputedStyle(row.cells[0]).boxShadow,"
                    " getComputedStyle(row.querySelector('.exam-number')).color,"
                    " [...row.cells].map((cell) => Math.round(cell.getBoundingClientRect().width))])"
                    "(document.querySelector('#rows tr[class]'))"
                )
            )
    browser.call("Emulation.clearDeviceMetricsOverride")
    assert seen[0] == seen[1] and seen[2] == seen[3]
    assert "▲" in seen[0][0]
    assert seen[0][2] != "rgb(176, 0, 18)", "that is the colour of what a person must do"


def test_the_caution_of_a_package_stands_once_above_the_exams_that_it_read(browser: Browser, tmp_path: Path) -> None:
    exams = [_read_by("chest-findings", f"Okello^Number {number}") for number in range(5)]
    old = [_read_by("chest-child", f"Akello^Number {number}", day="2026-10-03") for number in range(3)]
    write_worklist(tmp_path, exams, old)
    said = "Caution with exams that {} read: made from one hospital's films and tested at no other."
    cautions = "[...document.querySelectorAll('.known')].filter((one) => one.offsetHeight).map((one) => one.innerText)"
    browser.open(tmp_path / "older" / "1.html")
    assert browser.value(cautions) == [said.format("chest-child")]
    browser.open(tmp_path / "index.html")
    assert browser.value(cautions) == [said.format("chest-findings")]
    assert browser.value("document.getElementById('rows').innerText").count("hospital") == 0
    browser.value("document.getElementById('search').focus()")
    browser.type("akello")
    browser.wait_for("!document.getElementById('older-rows').hidden")
    assert browser.value(cautions) == [said.format("chest-findings"), said.format("chest-child")]
