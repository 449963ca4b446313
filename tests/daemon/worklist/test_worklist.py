"""The worklist, as a plain file in a real browser: urgent exams first, and a search that finds the others."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from leapfrog.state.records import StudyIdentity, StudyRecord
from leapfrog.wording.report_words import WorklistRow
from leapfrog.wording.text import person_name
from leapfrog.worklist.worklist import Exam, WorklistStatus, render_worklist, write_worklist
from support.browser import Browser, chromium_program

HOSTILE = "<script>document.title='run'</script>"
needs_browser = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")


def _entry(name: str, *, day: str = "2026-11-03", state: Literal["open", "quiet"] = "quiet", **values: Any) -> Exam:
    study = StudyRecord(
        key="00000000000000f1",
        identity=StudyIdentity(),
        received_at=f"{day}T14:25:10+03:00",
        received_date=day,
        state=state,
        version=1,
        published_version=1,
        derived_version=0,
        changes=1,
        reported_changes=1,
        urgent=False,
        worklist_row="",
    )
    row = {
        "patient": person_name(name),
        "patient_id": "KIT-1",
        "exam": "CR CHEST",
        "received": f"{day} 14:25",
        "kind": "nothing_flagged",
        "headline": "Nothing flagged",
        "images": "1 image",
        **values,
    }
    return study, WorklistRow.model_validate(row)


def _status(**values: Any) -> WorklistStatus:
    return WorklistStatus(
        **{
            "station": "Kitgum",
            "listening": True,
            "device": "CPU",
            "district_configured": True,
            "owed": 12,
            "oldest_owed_seconds": 11_000.0,
            "free_bytes": 48_000_000_000,
            "updated_at": datetime(2026, 11, 3, 14, 30, tzinfo=UTC),
            **values,
        }
    )


ENTRIES = [
    _entry("Żółć^Łukasz"),
    _entry("Nakato^Sarah", kind="look", headline="1 finding needs a look: Nodule", state="open"),
    _entry("Okello^Grace", kind="look", headline="Urgent: 1 finding needs a look: Pneumothorax", urgent=True),
    _entry(HOSTILE, patient_id="not given", kind="not_assessed", headline="Not assessed", phantom=True),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(800, 1000) as one:
        yield one


def _shown(browser: Browser) -> list[str]:
    names: list[str] = browser.value(
        "[...document.querySelectorAll('#rows > tr:not([hidden]) .name')].map((name) => name.innerText)"
    )
    return names


def _search(browser: Browser, text: str) -> None:
    browser.value("document.getElementById('search').select()")
    browser.type(text)


def test_the_newest_come_first_and_urgent_ones_on_top() -> None:
    page = render_worklist(ENTRIES, _status())
    places = [page.index(name) for name in ("Okello, Grace", "Łukasz", "Nakato, Sarah")]
    assert places == sorted(places)


def test_an_urgent_exam_of_days_ago_takes_its_place_by_time() -> None:
    days = [_entry(f"Patient {day}", day=f"2026-11-{day:02}", urgent=day == 1) for day in (3, 2, 1)]
    page = render_worklist(days, _status())
    assert page.index("Patient 3") < page.index("Patient 2") < page.index("Patient 1")


def test_the_page_shows_the_state_of_the_box() -> None:
    page = render_worklist([], _status(listening=False, attention=("The disk is nearly full.",)))
    for words in ("<dd>NO</dd>", "12 files, the oldest from 3 hours ago", "48 GB", "The disk is nearly full."):
        assert words in page
    assert "no district server set up" in render_worklist([], _status(district_configured=False))
    assert "nothing, everything has arrived" in render_worklist([], _status(owed=0))


def test_an_empty_worklist_says_what_will_appear() -> None:
    assert "No exams have arrived yet" in render_worklist([], _status())


def test_writing_replaces_the_old_list_in_one_step(tmp_path: Path) -> None:
    write_worklist(tmp_path, [], _status())
    with (tmp_path / "index.html").open() as old:
        write_worklist(tmp_path, ENTRIES, _status())
        assert "No exams have arrived yet" in old.read()
    assert "Okello, Grace" in (tmp_path / "index.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_the_main_process_gets_no_pixel_library_with_it() -> None:
    check = (
        "import sys, leapfrog.worklist.worklist, leapfrog.worklist.publication, leapfrog.wording.report\n"
        "heavy = {'numpy', 'PIL', 'pydicom', 'typst', 'highdicom'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


@needs_browser
def test_age_and_sex_and_an_age_that_is_not_given_stand_in_the_row(tmp_path: Path) -> None:
    unknown: dict[str, Any] = {"age_and_sex": "age not given, female", "caution": "Age not given: for adults only"}
    page = tmp_path / "index.html"
    exams = [_entry("Okello^Grace", **unknown), _entry("Nakato^Sarah", age_and_sex="42 years, female")]
    page.write_text(render_worklist(exams, _status()))
    with Browser(900, 900) as browser:
        browser.open(page)
        rows = browser.value("[...document.querySelectorAll('#rows tr')].map((row) => row.innerText)")
    assert "Age not given: for adults only" in rows[0] and "age not given, female" in rows[0]
    assert "Age not given" not in rows[1] and "42 years, female" in rows[1]


@needs_browser
def test_a_search_finds_names_without_their_accents_and_in_any_order(browser: Browser, tmp_path: Path) -> None:
    write_worklist(tmp_path, ENTRIES, _status())
    browser.open(tmp_path / "index.html")
    assert len(_shown(browser)) == 4
    _search(browser, "lukasz zolc")
    assert _shown(browser) == ["Żółć, Łukasz"]
    _search(browser, "pneumothorax")
    assert _shown(browser) == ["Okello, Grace"]
    browser.value("document.getElementById('clear').click()")
    assert len(_shown(browser)) == 4


@needs_browser
def test_a_search_that_hides_an_urgent_exam_says_so(browser: Browser, tmp_path: Path) -> None:
    write_worklist(tmp_path, ENTRIES, _status())
    browser.open(tmp_path / "index.html")
    _search(browser, "sarah")
    assert browser.value("document.getElementById('count').innerText") == "1 of 4 shown; 1 urgent hidden by the search"
    browser.value("document.getElementById('clear').click()")


@needs_browser
def test_search_focus_and_place_outlive_a_new_list(browser: Browser, tmp_path: Path) -> None:
    many = [_entry(f"Okello^Number {number}") for number in range(100)]
    page = tmp_path / "index.html"
    page.write_text(render_worklist(many, _status()).replace('data-reload-seconds="30"', 'data-reload-seconds="5.5"'))
    browser.open(page)
    browser.value("document.getElementById('search').focus()")
    browser.type("okello")
    browser.value("getSelection().removeAllRanges(); scrollTo(0, 400)")
    write_worklist(tmp_path, [*many, _entry("Okello^Newcomer")], _status())
    browser.wait_for("document.querySelectorAll('#rows > tr').length === 101 && document.readyState === 'complete'")
    browser.wait_for("scrollY === 400")
    assert browser.value("document.getElementById('search').value") == "okello"
    assert browser.value("document.activeElement.id") == "search"
    browser.value("document.getElementById('clear').click()")


@needs_browser
def test_a_person_can_stop_the_updates(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(
        render_worklist(ENTRIES, _status()).replace('data-reload-seconds="30"', 'data-reload-seconds="0.2"')
    )
    browser.open(page)
    browser.value("document.getElementById('pause').click(); window.same = true")
    page.write_text(render_worklist([], _status()))
    with pytest.raises(AssertionError):
        browser.value("new Promise((done, fail) => setTimeout(() => fail(window.same), 1000))")
    assert browser.value("window.same")
    browser.value("document.getElementById('pause').click()")
    browser.wait_for("document.body.innerText.includes('No exams have arrived yet')")


@needs_browser
def test_a_list_that_grows_old_says_so(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(render_worklist(ENTRIES, _status()).replace('data-stale-seconds="180"', 'data-stale-seconds="-1"'))
    browser.open(page)
    assert "The box may be off" in browser.value("document.body.innerText")
    write_worklist(tmp_path, ENTRIES, _status())
    browser.open(page)
    assert browser.value("document.getElementById('stale').hidden")


@needs_browser
def test_hostile_names_are_shown_and_do_nothing(browser: Browser, tmp_path: Path) -> None:
    write_worklist(tmp_path, ENTRIES, _status(station=HOSTILE, device=HOSTILE, attention=(HOSTILE,)))
    browser.console.clear()
    browser.open(tmp_path / "index.html")
    assert browser.value("document.title").startswith("Worklist: <script>")
    assert browser.value("document.body.innerText").count("<script>") == 4
    assert browser.console == []


@needs_browser
def test_each_row_leads_to_its_report(browser: Browser, tmp_path: Path) -> None:
    write_worklist(tmp_path, ENTRIES[:1], _status())
    report = tmp_path / "2026-11-03" / "00000000000000f1" / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<title>the report</title>")
    browser.open(tmp_path / "index.html")
    browser.value("document.querySelector('#rows a').click()")
    browser.wait_for("document.title === 'the report'")


@needs_browser
def test_the_list_can_be_read_without_its_script(browser: Browser, tmp_path: Path) -> None:
    write_worklist(tmp_path, ENTRIES, _status())
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(tmp_path / "index.html")
        assert len(_shown(browser)) == 4
        assert browser.value("document.getElementById('searchbar').hidden")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_a_line_has_the_number_of_the_exam() -> None:
    study, row = _entry("Okello^Grace")
    page = render_worklist([(replace(study, exam_number="K7-42F"), row)], _status())
    assert '<span class="exam-number">K7-42F</span>' in page
    assert 'class="exam-number"' not in render_worklist([(study, row)], _status())
