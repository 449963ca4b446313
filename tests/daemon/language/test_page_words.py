"""A page says all that it says in the language that somebody chooses, and nothing is misled by a translation."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leapfrog.heartbeat.heartbeat import language_page
from leapfrog.language import catalogue as catalogues
from leapfrog.language.catalogue import message_id
from leapfrog.language.languages import LANGUAGES, LanguageCode
from leapfrog.language.page_words import UNREVIEWED, language_messages, page_words
from leapfrog.language.sentence import Sentence, plural, sentence
from leapfrog.language.speaker import Speaker
from leapfrog.page_fonts.page_fonts import fonts_of
from leapfrog.reader.report.pdf import render_pdf
from leapfrog.reader.report.study_report import render
from leapfrog.settings import PageSize
from leapfrog.state.exam_states import ExamState
from leapfrog.wording.report_words import Labels
from leapfrog.worklist.older_page import older_page, render_older
from leapfrog.worklist.worklist import render_worklist
from support.accessibility import violations
from support.browser import Browser, chromium_program
from support.listed import box_state, bring_fonts, listed_exam, write_worklist
from support.pseudo_language import TAKEN, escaped, forget_it, marked, seen, speak_it
from support.readings import chest_reading, finding, report_job, report_words, unassessed_reading

NAMES = ("Kitgum", "LEAPFROG", "chest-findings", "Infiltration", "Nodule", "CHEST", "CR", "PA", "LL", "CPU", "English")
WITHOUT_SCRIPTS = str(Labels().without_scripts)  # no script can say it in another language
GIVEN = {"Okello", "Grace", "KIT", "Chest", "Nov", "Feb"}  # what the image says of itself, and months
REASON = sentence("The picture is much too dark: look at it yourself.")
needs_browser = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")


@pytest.fixture
def pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    directory = tmp_path / "catalogues"
    directory.mkdir()
    yield speak_it(monkeypatch, directory)
    forget_it()


def write_languages(directory: Path) -> None:
    (directory / "languages").mkdir()
    for code in ("en", TAKEN, "ar"):
        messages = language_messages(code)
        (directory / "languages" / f"{code}.html").write_text(language_page(messages, fonts_of(messages)))


def write_report(directory: Path, language: str) -> Path:
    """A report in a folder as deep as the box's. The path of its page."""
    folder = directory / "2026-11-03" / "a1"
    folder.mkdir(parents=True)
    job = report_job(folder, chest_reading(folder), unassessed_reading(reason=REASON))
    station = job.station.model_copy(update={"language": language})
    render(job.model_copy(update={"station": station, "worklist_href": "../../index.html"}))
    return folder / "report-1.html"


def test_the_table_of_a_page_has_each_text_with_what_it_was_made_from() -> None:
    speaker = Speaker()
    speaker.say(plural("{count} image", "{count} images").format(count=3))
    table = json.loads(page_words(speaker, {"more": sentence("<And more>")}))
    image, more = message_id(("", "{count} image")), message_id(("", "<And more>"))
    assert table["said"] == {"3 images": [[image, {"count": 3}]]}
    assert table["words"] == {"more": [[more]]}
    assert table["messages"] == {more: ["<And more>"]}


def test_the_table_cannot_end_the_script_that_it_stands_in() -> None:
    assert "<" not in page_words(Speaker(), {"x": sentence("</script><!--")})


def test_no_two_messages_have_the_same_short_name() -> None:
    keys = catalogues.catalogue("en").forms
    assert len({message_id(key) for key in keys}) == len(keys) > 300


@pytest.mark.parametrize("code", ["en", "fr", "es", "pt", "sw", "hi", "ar"])
def test_a_script_finds_the_form_for_every_count(code: str) -> None:
    told = json.loads(language_messages(code))
    own = catalogues.catalogue(code)
    for count in (0, 1, 2, 3, 11, 99, 100, 101, 111, 203, 1_011, 123_456):
        assert int(told["plural"][count if count < 200 else 100 + count % 100]) == own.plural_form(count)
    longest = max(map(int, told["plural"])) + 1
    assert {len(forms) for forms in told["messages"].values()} == {1, longest}


def test_no_sentence_of_a_page_escapes_the_catalogues(pseudo: str, tmp_path: Path) -> None:
    report = write_report(tmp_path, pseudo)
    assert escaped(seen(report.read_text()), *NAMES) == []


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not installed")
@pytest.mark.parametrize("paper", ["A5", "80mm"])
def test_no_sentence_of_a_sheet_escapes_the_catalogues(pseudo: LanguageCode, tmp_path: Path, paper: PageSize) -> None:
    job = report_job(tmp_path, chest_reading(tmp_path), unassessed_reading(reason=REASON))
    speaker = Speaker(pseudo)
    (tmp_path / "sheet.pdf").write_bytes(render_pdf(report_words(job), speaker, tmp_path, paper))
    shown = subprocess.run(
        ["pdftotext", "-raw", tmp_path / "sheet.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    text = " ".join(shown.split())
    english = {" ".join(line.split()) for one in speaker.said.values() if (line := speaker.english(one))}
    assert marked("not assessed") in text
    assert str(REASON) in text, "the English line of a reason"
    assert set(escaped(text, *NAMES, *english)) <= GIVEN


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not installed")
@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("paper", ["A4", "A5", "Letter", "80mm"])
def test_no_grade_and_no_name_of_a_finding_is_cut(code: LanguageCode, paper: PageSize, tmp_path: Path) -> None:
    findings = (
        finding("Features that can be seen in pneumonia", 0.9, urgent=True, urgent_threshold=0.7),
        finding("Features that can be seen in pneumonia", 0.1),
    )
    job = report_job(tmp_path, chest_reading(tmp_path, findings=findings))
    (tmp_path / "sheet.pdf").write_bytes(render_pdf(report_words(job), Speaker(code), tmp_path, paper))
    shown = subprocess.run(
        ["pdftotext", tmp_path / "sheet.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "\u2026" not in shown


def test_no_sentence_of_the_list_escapes_the_catalogues(pseudo: str) -> None:
    exam = listed_exam("Okello^Grace", headline=sentence("Nothing flagged"), images=Sentence(""))
    exams = [replace(exam, state=ExamState(unreadable=True, refused=True)), exam]
    for page in (
        render_worklist(exams, box_state(), [older_page(1, exams)], pseudo).page,
        render_worklist(exams, box_state(listening=False, unread=3, district_configured=True, owed=2), (), pseudo).page,
        render_worklist(
            (), box_state(district_configured=True, owed=2, district_silent_since="2026-11-03"), (), pseudo
        ).page,
        render_older("Kitgum", older_page(1, exams), exams, pseudo),
    ):
        assert escaped(seen(page), *NAMES, "Nov") == []


@needs_browser
def test_whoever_reads_another_language_chooses_it_on_the_page(pseudo: str, tmp_path: Path) -> None:
    bring_fonts(tmp_path)
    write_languages(tmp_path)
    report = write_report(tmp_path, "en")
    before = seen(report.read_text())
    with Browser(1000, 1200) as browser:
        browser.open(report)
        browser.value(f"(language.value = '{pseudo}', language.dispatchEvent(new Event('change')))")
        browser.wait_for(f"document.documentElement.lang === '{pseudo}'")
        page = browser.value("document.documentElement.outerHTML").replace(WITHOUT_SCRIPTS, "")
        assert escaped(seen(page), *NAMES) == []
        assert browser.value("!unreviewed.hidden")
        english = browser.value("[...document.querySelectorAll('.english')].map((one) => one.textContent)")
        assert {str(REASON), "Pleural effusion", "FLAGGED", "above the threshold", str(UNREVIEWED)} <= set(english)
        assert violations(browser) == []
        browser.value("(language.value = 'en', language.dispatchEvent(new Event('change')))")
        browser.wait_for("document.documentElement.lang === 'en'")
        assert sorted(seen(browser.value("document.documentElement.outerHTML")).split()) == sorted(before.split())


@needs_browser
def test_a_choice_is_kept_and_the_list_and_its_search_follow_it(pseudo: str, tmp_path: Path) -> None:
    bring_fonts(tmp_path)
    write_languages(tmp_path)
    exam = listed_exam("Okello^Grace", headline=sentence("Nothing flagged"))
    older = [listed_exam("Nakato^Sarah", headline=sentence("Nothing outlined"))]
    page = older_page(1, older)
    (tmp_path / "older").mkdir()
    (tmp_path / page.file).write_text(render_older("Kitgum", page, older))
    index = tmp_path / "index.html"
    index.write_text(render_worklist([exam], box_state(), [page]).page)
    with Browser(1000, 1200) as browser:
        browser.open(index)
        browser.value(f"(language.value = '{pseudo}', language.dispatchEvent(new Event('change')))")
        browser.wait_for(f"document.documentElement.lang === '{pseudo}'")
        browser.open(index)
        browser.wait_for(f"document.documentElement.lang === '{pseudo}'")
        browser.value("search.focus()")
        browser.type(marked("Nothing outlined"))
        found = "document.querySelector('#older-rows td a')"
        browser.wait_for(f"{found} !== null")
        assert browser.value(f"{found}.firstChild.data") == marked("Nothing outlined")
        assert marked("shown") in browser.value("count.textContent")


@needs_browser
def test_a_page_in_arabic_runs_from_right_to_left(tmp_path: Path) -> None:
    bring_fonts(tmp_path)
    with Browser(1000, 1200) as browser:
        for file, text in (
            (tmp_path / "index.html", render_worklist([listed_exam("Okello^Grace")], box_state(), (), "ar").page),
            (write_report(tmp_path, "ar"), ""),
        ):
            if text:
                file.write_text(text)
            browser.open(file)
            assert re.search(r'<html lang="ar" dir="rtl">', file.read_text())
            assert browser.value("getComputedStyle(document.querySelector('h1')).direction") == "rtl"
            assert violations(browser) == []
            assert browser.value("document.documentElement.scrollWidth <= innerWidth")


@needs_browser
@pytest.mark.parametrize("code", LANGUAGES)
def test_list_and_report_break_no_rule_of_access_in_any_language(code: LanguageCode, tmp_path: Path) -> None:
    bring_fonts(tmp_path)
    report = write_report(tmp_path, code)
    exam = listed_exam(
        "Okello^Grace", headline=sentence("Nothing flagged"), done=ExamState(unreadable=True, paper="refused")
    )
    index = write_worklist(tmp_path, [exam], [listed_exam("Old^One", day="2026-09-30")], language=code)
    with Browser(390, 900) as browser:
        for page in (index, report):
            browser.open(page)
            assert violations(browser) == []
            told = browser.value("[document.documentElement.lang, document.documentElement.dir]")
            assert told == [code, LANGUAGES[code].direction]
            assert browser.value("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at the side"
