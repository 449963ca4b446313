"""The worklist, as a plain file in a real browser: in honest order, with a search, and dead when the box is."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from leapfrog.heartbeat.heartbeat import alive_page
from leapfrog.language.sentence import Sentence
from leapfrog.problem import Problem
from leapfrog.state.exam_states import ExamState
from leapfrog.worklist.listed_exam import ListedExam
from leapfrog.worklist.older_page import older_page, render_older
from leapfrog.worklist.worklist import render_worklist, write_file
from support.accessibility import violations
from support.browser import Browser, chromium_program
from support.listed import box_state as _box
from support.listed import bring_fonts, write_worklist
from support.listed import listed_exam as _exam

HOSTILE = "<script>document.title='run'</script>"
QUICK_POLL = 'data-poll-milliseconds="200"'
needs_browser = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")


def _page(exams: Sequence[ListedExam], **box: Any) -> str:
    return render_worklist(exams, _box(**box)).page


def _write(directory: Path, exams: Sequence[ListedExam], **box: Any) -> Path:
    """A list that listens five times a second. The path of the page."""
    bring_fonts(directory)
    page = directory / "index.html"
    page.write_text(_page(exams, **box).replace('data-poll-milliseconds="2000"', QUICK_POLL))
    return page


def _beat(directory: Path, number: int, worklist: str = "") -> None:
    (directory / "alive.html").write_text(alive_page(f"run-{number:08}", worklist))


EXAMS = [
    _exam("Żółć^Łukasz"),
    _exam("Nakato^Sarah", kind="look", headline="1 finding needs a look: Nodule", state="open"),
    _exam("Okello^Grace", kind="look", headline="Urgent: 1 finding needs a look: Pneumothorax", urgent=True),
    _exam(HOSTILE, patient_id="not given", kind="not_assessed", headline="Not assessed", phantom=True),
]


@pytest.fixture(scope="module")
def one_browser() -> Iterator[Browser]:
    with Browser(800, 1000) as one:
        yield one


@pytest.fixture
def browser(one_browser: Browser) -> Iterator[Browser]:
    """It remembers nothing of the test before."""
    yield one_browser
    one_browser.value("sessionStorage.clear()")
    one_browser.call("Page.navigate", url="about:blank")


def _shown(browser: Browser) -> list[str]:
    names: list[str] = browser.value(
        "[...document.querySelectorAll('#rows tr[class]:not([hidden]) td:nth-child(2) bdi:first-child')]"
        ".map((name) => name.innerText)"
    )
    return names


def _search(browser: Browser, text: str) -> None:
    browser.value("document.getElementById('search').select()")
    browser.type(text)


def _order(exams: Sequence[ListedExam]) -> list[str]:
    page = _page(exams)
    return sorted((exam.row.patient for exam in exams), key=lambda name: page.index(f">{name}<"))


# ---------------------------------------------------------------- order


def test_urgent_ones_come_first_then_what_needs_a_person_then_flagged_ones_then_the_rest() -> None:
    flagged: dict[str, Any] = {"kind": "look", "headline": "1 finding needs a look: Nodule"}
    exams = [
        _exam("Rest"),
        _exam("Flagged", **flagged),
        _exam("Refused", done=ExamState(refused=True, confirmed=True)),
        _exam("Unassessed", kind="not_assessed", headline="Not assessed"),
        _exam("Mixed", conflict="The images disagree about the patient name", **flagged),
        _exam("Unreadable", kind="not_assessed", headline="Not assessed", done=ExamState(unreadable=True)),
        _exam("Urgent", urgent=True, **flagged),
    ]
    assert _order(exams) == ["Urgent", "Refused", "Unassessed", "Mixed", "Unreadable", "Flagged", "Rest"]
    assert _order(exams[::-1]) == ["Urgent", "Unreadable", "Mixed", "Unassessed", "Refused", "Flagged", "Rest"]


def test_exams_of_days_ago_that_are_urgent_or_need_a_person_keep_their_mark_and_make_room_for_new_ones() -> None:
    urgent: dict[str, Any] = {"kind": "look", "urgent": True, "headline": "Urgent"}
    exams = [
        _exam("New", day="2026-11-05"),
        _exam("Flagged", day="2026-11-05", kind="look"),
        _exam("Second", day="2026-11-04", **urgent),
        _exam("Unassessed", day="2026-11-04", kind="not_assessed"),
        _exam("Third", day="2026-11-03", **urgent),
        _exam("Forgotten", day="2026-11-02", kind="not_assessed"),
        _exam("Refused", day="2026-11-01", done=ExamState(refused=True)),
    ]
    assert _order(exams) == ["Second", "Unassessed", "Flagged", "Third", "New", "Forgotten", "Refused"]
    page = _page(exams)
    assert page.count('<tr class="look urgent') == 2
    assert page.count(' person unassessed"') == 2
    assert page.count(' person unsent"') == 1
    assert older_page(0, exams[-2:]).person == 2


def test_an_exam_of_which_one_image_was_not_assessed_needs_a_person_and_says_so() -> None:
    half: dict[str, Any] = {"images": "2 images, 1 not assessed", "done": ExamState(unassessed=True)}
    exams = [
        _exam("Whole"),
        _exam("Flagged", kind="look", headline="1 finding needs a look: Nodule"),
        _exam("Half", **half),
        _exam("Urgent half", kind="look", headline="Urgent: 1 finding needs a look", urgent=True, **half),
    ]
    assert _order(exams) == ["Urgent half", "Half", "Flagged", "Whole"]
    page = _page(exams)
    assert '<tr class="nothing_flagged person unassessed"' in page
    assert page.count("<b>No model gives a result for every image of it: a person must look at the others.</b>") == 2
    older = older_page(0, exams)
    assert (older.person, older.not_assessed) == (2, 2)
    unreadable = ExamState(unreadable=True, unassessed=True)
    assert "<b>An image of it cannot be read here: look at it on the machine" in _page([_exam("Half", done=unreadable)])


def test_two_patients_in_one_study_are_red_in_the_list_with_what_to_do() -> None:
    page = _page([_exam("Okello^Grace", conflict="The images disagree about the patient name")])
    assert "<b>The images disagree about the patient name: check whose exam this is" in page


def test_an_exam_to_which_a_threshold_of_this_place_was_applied_is_tagged_so() -> None:
    page = _page([_exam("Okello^Grace", threshold_set_here=True), _exam("Nakato^Sarah")])
    assert page.count('<span class="tag">threshold of this place</span>') == 1


def test_the_list_says_once_that_not_marked_urgent_does_not_mean_that_it_can_wait() -> None:
    page = _page(EXAMS)
    assert page.partition("<script")[0].count("Not marked urgent does not mean that it can wait.") == 1
    assert "may wait" not in page


@pytest.mark.parametrize(
    ("done", "kind", "said"),
    [
        (ExamState(), "look", ["read"]),
        (ExamState(unread=True), "look", ["reading"]),
        (ExamState(unread=True, confirmed=True), "look", ["reading"]),
        (ExamState(unreadable=True), "not_assessed", ["cannot be read"]),
        (ExamState(unassessed=True), "not_assessed", ["not assessed"]),
        (ExamState(unassessed=True), "look", ["partly assessed"]),
        (ExamState(unsent=True, confirmed=True), "look", ["read", "not sent yet"]),
        (ExamState(confirmed=True), "look", ["read", "sent"]),
        (ExamState(refused=True, confirmed=True), "look", ["read", "refused"]),
        (ExamState(paper="waiting"), "look", ["read", "to be printed"]),
        (ExamState(paper="confirmed", confirmed=True), "not_assessed", ["not assessed", "sent", "printed"]),
        (ExamState(paper="refused"), "look", ["read", "not printed"]),
        (ExamState(paper="superseded"), "look", ["read", "not printed"]),
        (ExamState(paper="dismissed"), "look", ["read"]),
    ],
)
def test_how_far_an_exam_is_stands_in_a_word_beside_its_icon(done: ExamState, kind: str, said: list[str]) -> None:
    words = _exam("Okello^Grace", kind=kind, done=done).words
    assert [word.word for word in words] == said
    assert all(len(word.icon) == 1 for word in words)


def test_an_exam_without_its_paper_needs_a_person() -> None:
    exam = _exam("Okello^Grace", kind="nothing_flagged", done=ExamState(paper="refused"))
    assert exam.needs_person and "There is no paper of it" in exam.to_do[0]


# ---------------------------------------------------------------- the box


def test_one_line_says_what_the_box_does_what_it_owes_and_its_disk() -> None:
    page = _page([], unread=3, district_silent_since="2026-11-03T09:10:00+03:00")
    assert "Taking exams; 3 images still to be read" in page
    assert "12 files not yet sent to the district, which has not answered since 2026-11-03 09:10" in page
    assert "48 GB of disk free" in page
    assert "takes NO exams" in _page([], listening=False)
    assert "nothing is sent to a district" in _page([], district_configured=False)
    assert "everything has been sent" in _page([], owed=0)


def test_where_there_are_several_destinations_the_line_names_the_one_that_is_silent() -> None:
    several = {"destinations": ("district", "province")}
    page = _page([], district_silent_since="2026-11-03T09:10:00+03:00", silent="province", **several)
    assert "12 files not yet sent; province has not answered since 2026-11-03 09:10" in page
    assert "12 files not yet sent<" in _page([], **several).replace("</", "<")
    assert "everything has been sent to the district" not in _page([], owed=0, **several)


def test_what_is_wrong_is_told_in_the_words_of_staff_and_never_as_a_command() -> None:
    known = Problem(what="1 file failed.", remedy="Run `leapfrog retry ID`.", since="2026-11-03T09:10:00+03:00",
                    for_staff=Sentence("An image cannot be read: send it again."))  # fmt: skip
    others = (Problem(what="/dev/sda failed.", remedy="Run `dmesg`."), Problem(what="TLS ended.", remedy="`openssl`"))
    page = _page([], attention=(known, *others))
    assert "<li>An image cannot be read: send it again. (since 2026-11-03 09:10)</li>" in page
    assert page.partition("<script")[0].count("needs a technician") == 1
    for word in ("leapfrog retry", "dmesg", "openssl", "/dev/sda", "`"):
        assert word not in page.partition("<script>")[0].partition("</style>")[2], word


def test_an_empty_worklist_says_what_will_appear() -> None:
    assert "No exams have arrived yet" in _page([])


def test_lists_that_show_the_same_have_the_same_identity_whenever_they_were_made() -> None:
    first, later = (render_worklist(EXAMS, _box(updated_at=datetime(2026, 11, 3, hour, tzinfo=UTC))) for hour in (1, 2))
    assert first.identity == later.identity
    assert first.page != later.page
    assert render_worklist(EXAMS, _box(owed=0)).identity != first.identity


def test_writing_replaces_the_old_list_in_one_step(tmp_path: Path) -> None:
    write_file(tmp_path / "index.html", render_worklist([], _box()).page.encode())
    with (tmp_path / "index.html").open() as old:
        write_file(tmp_path / "index.html", render_worklist(EXAMS, _box()).page.encode())
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


# ---------------------------------------------------------------- in a browser


@needs_browser
def test_age_and_sex_and_an_age_that_is_not_given_stand_in_the_row(browser: Browser, tmp_path: Path) -> None:
    unknown: dict[str, Any] = {"age_and_sex": "age not given, female", "caution": "Age not given: for adults only"}
    browser.open(_write(tmp_path, [_exam("Okello^Grace", **unknown), _exam("Nakato^Sarah", age_and_sex="42 years")]))
    rows = browser.value("[...document.querySelectorAll('#rows tr[class]')].map((row) => row.innerText)")
    assert "Age not given: for adults only" in rows[0] and "age not given, female" in rows[0]
    assert "Age not given" not in rows[1] and "42 years" in rows[1]


@needs_browser
def test_a_search_finds_names_without_their_accents_and_in_any_order(browser: Browser, tmp_path: Path) -> None:
    browser.open(_write(tmp_path, EXAMS))
    assert len(_shown(browser)) == 4
    _search(browser, "lukasz zolc")
    assert _shown(browser) == ["Żółć, Łukasz"]
    _search(browser, "pneumothorax")
    assert _shown(browser) == ["Okello, Grace"]
    browser.value("document.getElementById('clear').click()")
    assert len(_shown(browser)) == 4


@needs_browser
def test_a_search_finds_numbers_and_dates_in_any_usual_form_and_a_year_of_birth(
    browser: Browser, tmp_path: Path
) -> None:
    one = _exam(
        "Okello^Grace", day="2026-11-28", birth_date="1984-02-17", accession_number="A77/3", exam_date="2026-11-27"
    )
    other = _exam("Nakato^Sarah", day="2026-10-02", birth_date="2001-05-09", patient_id="KIT-2")
    browser.open(_write(tmp_path, [one, other], updated_at=datetime(2026, 11, 28, 9, tzinfo=UTC)))
    usual = ["2026-11-28", "28/11/2026", "28.11.2026", "28-11-26", "11/28/2026", "20261128", "28/11", "28 Nov 2026"]
    usual += ["nov 28", "November 28th, 2026", "28-nov-2026", "28nov", "today", "yesterday grace", "2026/11/28"]
    for text in [*usual, "1984", "17/2/1984", "17 feb 84", "a77/3", "kit-1", "grace 1984"]:
        _search(browser, text)
        assert _shown(browser) == ["Okello, Grace"], text
    for text in ["2/10/2026", "2001", "KIT-2", "9 may 2001"]:
        _search(browser, text)
        assert _shown(browser) == ["Nakato, Sarah"], text
    _search(browser, "29/11/2026")
    assert _shown(browser) == []


@needs_browser
def test_filters_have_counts_and_hide_the_rest(browser: Browser, tmp_path: Path) -> None:
    old = _exam("Old^One", day="2026-10-01", done=ExamState(unsent=True, unassessed=True))
    browser.open(_write(tmp_path, [*EXAMS, old]))
    filters = browser.value("[...document.querySelectorAll('#filters button')].map((one) => one.innerText)")
    assert filters == ["All 5", "Urgent 1", "Needs a person 2", "Not assessed 2", "Not sent 1", "Answered 0", "Today 4"]
    for name in ("person", "unassessed"):
        browser.value(f"document.querySelector('[data-filter={name}]').click()")
        assert "Old, One" in _shown(browser)
    browser.value("document.querySelector('[data-filter=unsent]').click()")
    assert _shown(browser) == ["Old, One"]
    assert browser.value("document.querySelector('[data-filter=unsent]').getAttribute('aria-pressed')") == "true"
    said = browser.value("document.getElementById('count').innerText")
    assert said == "1 of 5 exams shown. The filter hides 1 of the newest urgent exams."
    browser.value("document.querySelector('[data-filter=unsent]').click()")
    assert len(_shown(browser)) == 5


@needs_browser
def test_a_search_looks_through_the_pages_of_older_exams_too(browser: Browser, tmp_path: Path) -> None:
    first = [_exam(f"Akello^Number {number}", key=f"a{number:015}", day="2026-10-03") for number in range(5)]
    second = [_exam("Żółć^Zofia", key="b" * 16, day="2025-02-03", birth_date="1951-01-01", urgent=True)]
    browser.console.clear()
    browser.open(write_worklist(tmp_path, EXAMS, first, second))
    assert len(_shown(browser)) == 4
    filters = browser.value("[...document.querySelectorAll('#filters button')].map((one) => one.innerText)")
    assert filters == [
        "All 10",
        "Urgent 2",
        "Needs a person 1",
        "Not assessed 1",
        "Not sent 0",
        "Answered 0",
        "Today 4+",
    ]
    count = "document.getElementById('count').innerText"
    _search(browser, "zolc")
    browser.wait_for("document.querySelectorAll('#older-rows tr[class]').length === 1")
    assert _shown(browser) == ["Żółć, Łukasz", "Żółć, Zofia"]
    browser.wait_for(f"!{count}.includes('looking')")
    assert browser.value(count) == "2 of 10 exams shown. The search hides 1 of the newest urgent exams."
    link = browser.value("document.querySelector('#older-rows a').getAttribute('href')")
    assert link == f"2025-02-03/{'b' * 16}/report.html"
    for text, found in (
        ("1951", 1),
        ("3/10/2026", 5),
        ("feb 3, 2025", 1),
        ("akello 3", 1),
        ("xyz", 0),
    ):
        _search(browser, text)
        browser.wait_for(f"document.querySelectorAll('#older-rows tr[class]').length === {found}")
        browser.wait_for(f"!{count}.includes('looking')")
    browser.value("document.getElementById('clear').click()")
    assert len(_shown(browser)) == 4
    assert browser.value(count) == ""
    assert browser.console == []


@needs_browser
def test_older_exams_are_fetched_before_the_first_word_is_typed_if_somebody_is_at_the_screen(
    browser: Browser, tmp_path: Path
) -> None:
    browser.open(write_worklist(tmp_path, EXAMS, [_exam("Żółć^Zofia", day="2026-10-03")]))
    fetched = "[...document.querySelectorAll('iframe')].filter((one) => one.src.includes('older/')).length"
    browser.value("new Promise((done) => setTimeout(done, 300))")
    assert browser.value(fetched) == 0, "a screen that nobody touches"
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=100, y=100)
    browser.wait_for(f"{fetched} === 1")


@needs_browser
def test_an_older_exam_that_was_found_is_come_back_to(browser: Browser, tmp_path: Path) -> None:
    old = [_exam(f"Akello^Number {number}", key=f"a{number:015}", day="2026-10-03") for number in range(60)]
    key = f"a{40:015}"
    report = tmp_path / "2026-10-03" / key / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<title>the report</title>")
    browser.open(write_worklist(tmp_path, EXAMS, old))
    _search(browser, "akello")
    row = f"document.querySelector('[href*=\"{key}\"]')?.closest('tr')"
    browser.wait_for(f"!!{row}")
    browser.value(f"{row}.scrollIntoView({{block: 'center'}}); {row}.querySelector('a').click()")
    browser.wait_for("document.title === 'the report'")
    browser.value("void setTimeout(() => history.back())")
    browser.wait_for(f"document.activeElement === {row}?.querySelector('a')")
    assert browser.value(f"(({{ top, bottom }}) => top > 0 && bottom < innerHeight)({row}.getBoundingClientRect())")


@needs_browser
def test_a_page_of_older_exams_answers_only_the_worklist_that_frames_it(browser: Browser, tmp_path: Path) -> None:
    """It is a page of its own for whoever opens it, and its text runs nothing."""
    listed = [_exam(HOSTILE, key="a" * 16), _exam("Nakato^Sarah", key="b" * 16)]
    page = older_page(7, listed)
    write_file(tmp_path / page.file, render_older(HOSTILE, page, listed).encode())
    browser.open(tmp_path / page.file)
    assert browser.value("document.body.innerText").count("<script>") == 2
    heard = (
        "new Promise((done) => { let said = 0; addEventListener('message', ({ data }) => { said += data.total ?? 0; });"
        " postMessage({ search: 1, query: '', filter: '', today: '', most: 9 }, '*');"
        " setTimeout(() => done(said), 300); })"
    )
    assert browser.value(heard) == 0
    assert violations(browser) == []


@needs_browser
def test_a_search_that_hides_an_urgent_exam_says_so(browser: Browser, tmp_path: Path) -> None:
    browser.open(_write(tmp_path, EXAMS))
    _search(browser, "sarah")
    said = browser.value("document.getElementById('count').innerText")
    assert said == "1 of 4 exams shown. The search hides 1 of the newest urgent exams."


@needs_browser
def test_search_focus_and_the_row_in_view_outlive_a_new_list(browser: Browser, tmp_path: Path) -> None:
    """Also when the newcomer stands above it."""
    many = [_exam(f"Okello^Number {number}", key=f"{number:016x}") for number in range(100)]
    browser.open(_write(tmp_path, many))
    _search(browser, "okello")
    browser.value("getSelection().removeAllRanges(); scrollTo(0, 2000)")
    shown_at = f"document.querySelector('[href*=\"{40:016x}\"]').closest('tr').getBoundingClientRect().top"
    before = browser.value(shown_at)
    newcomers = [_exam(f"Okello^Newcomer {number}", key=f"a{number:015x}", urgent=True) for number in range(3)]
    new = [*newcomers, *many]
    _write(tmp_path, new)
    _beat(tmp_path, 1, render_worklist(new, _box()).identity)
    browser.wait_for(
        "document.querySelectorAll('#rows tr[class]').length === 103 && document.readyState === 'complete'"
    )
    browser.wait_for("scrollY > 2000")
    assert abs(browser.value(shown_at) - before) < 1
    assert browser.value("document.getElementById('search').value") == "okello"
    assert browser.value("document.activeElement.id") == "search"


@needs_browser
def test_back_from_a_report_leads_to_its_row(browser: Browser, tmp_path: Path) -> None:
    many = [_exam(f"Okello^Number {number}", key=f"{number:016x}") for number in range(100)]
    report = tmp_path / "2026-11-03" / f"{60:016x}" / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<title>the report</title><a href='../../index.html'>back</a>")
    page = _write(tmp_path, many)
    browser.open(page)
    row = f"document.querySelector('[href*=\"{60:016x}\"]')?.closest('tr')"
    for back in ("history.back()", "document.querySelector('a').click()"):
        browser.value(f"{row}.scrollIntoView({{block: 'center'}})")
        top = browser.value(f"{row}.getBoundingClientRect().top")
        browser.value(f"{row}.querySelector('a').click()")
        browser.wait_for("document.title === 'the report'")
        browser.value(f"void setTimeout(() => {back})")
        browser.wait_for(f"{row} && document.readyState === 'complete'")
        browser.wait_for(f"document.activeElement === {row}.querySelector('a')")
        assert abs(browser.value(f"{row}.getBoundingClientRect().top") - top) < 1


@needs_browser
def test_paused_updates_warn_and_do_not_outlive_a_reload(browser: Browser, tmp_path: Path) -> None:
    browser.open(_write(tmp_path, EXAMS))
    browser.value("document.getElementById('pause').click(); window.same = true")
    assert "urgent ones neither" in browser.value("document.getElementById('paused').innerText")
    _write(tmp_path, [])
    _beat(tmp_path, 1, render_worklist([], _box()).identity)
    with pytest.raises(AssertionError):
        browser.value("new Promise((done, fail) => setTimeout(() => fail(window.same), 2000))")
    assert browser.value("window.same")
    browser.value("document.getElementById('resume').click()")
    browser.wait_for("document.body.innerText.includes('No exams have arrived yet')")
    browser.value("document.getElementById('pause').click()")
    browser.call("Page.reload")
    browser.wait_for("document.readyState === 'complete' && document.getElementById('paused').hidden")


@needs_browser
def test_a_list_without_an_exam_listens_to_the_box_and_shows_the_first_one(browser: Browser, tmp_path: Path) -> None:
    browser.open(_write(tmp_path, []))
    browser.wait_for("!document.getElementById('stopped').hidden")
    _write(tmp_path, EXAMS)
    _beat(tmp_path, 1, render_worklist(EXAMS, _box()).identity)
    browser.wait_for("document.readyState === 'complete' && document.body.innerText.includes('Okello')")


@needs_browser
def test_a_box_that_stopped_looks_stopped_and_one_that_was_started_again_does_not(
    browser: Browser, tmp_path: Path
) -> None:
    browser.open(_write(tmp_path, EXAMS))
    said = "document.getElementById('box').innerText"
    is_stopped = "!document.getElementById('stopped').hidden"
    browser.wait_for(is_stopped)  # it never said anything
    for number in range(1, 30):
        _beat(tmp_path, number)
        if "running" in browser.value(said):
            break
        browser.value("new Promise((done) => setTimeout(done, 150))")
    assert "the box is running" in browser.value(said)
    assert not browser.value(is_stopped)
    browser.wait_for(is_stopped)  # it says the same for too long
    assert "no sign of life" in browser.value(said)
    browser.call("Page.reload")
    browser.wait_for(f"document.readyState === 'complete' && {is_stopped}")  # also to whoever loads the page again
    (tmp_path / "alive.html").write_text(alive_page("another-00000001", ""))
    browser.wait_for(f"!({is_stopped})")


@needs_browser
def test_a_page_on_the_box_listens_to_its_memory_and_is_not_misled_by_the_disk(
    browser: Browser, tmp_path: Path
) -> None:
    memory, said = tmp_path / "memory.html", "document.getElementById('box').innerText"
    (tmp_path / "alive.now.html").symlink_to(memory)
    memory.write_text(alive_page("run-00000007", ""))
    _beat(tmp_path, 1)  # nobody has listened at the disk for long
    browser.open(_write(tmp_path, EXAMS))
    for number in range(8, 30):
        memory.write_text(alive_page(f"run-{number:08}", ""))
        if "running" in browser.value(said):
            break
        browser.value("new Promise((done) => setTimeout(done, 150))")
    assert "the box is running" in browser.value(said)
    _beat(tmp_path, 2)  # and then the box stops, with its memory
    memory.unlink()
    browser.wait_for("!document.getElementById('stopped').hidden")
    assert "no sign of life" in browser.value(said)


@needs_browser
@pytest.mark.parametrize("why", ["a copy of the folder", "of a box that runs elsewhere now"])
def test_a_page_whose_memory_is_not_that_of_its_folder_listens_to_the_disk(
    browser: Browser, tmp_path: Path, why: str
) -> None:
    memory, said = tmp_path / "memory.html", "document.getElementById('box').innerText"
    (tmp_path / "alive.now.html").symlink_to(memory)
    is_copy = why == "a copy of the folder"
    folder = str(tmp_path.parent / "original" if is_copy else tmp_path)
    memory.write_text(alive_page("run-00000001", "", folder))
    _beat(tmp_path, 1)
    browser.open(_write(tmp_path, EXAMS))
    for number in range(2, 60):
        if is_copy:
            memory.write_text(alive_page(f"run-{number:08}", "", folder))
        else:
            _beat(tmp_path, number)
        if "running" in browser.value(said):
            break
        browser.value("new Promise((done) => setTimeout(done, 150))")
    assert ("running" in browser.value(said)) != is_copy


@needs_browser
def test_a_page_elsewhere_listens_to_the_disk(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "alive.now.html").symlink_to(tmp_path / "nothing there")
    browser.open(_write(tmp_path, EXAMS))
    for number in range(1, 30):
        _beat(tmp_path, number)
        if "running" in browser.value("document.getElementById('box').innerText"):
            break
        browser.value("new Promise((done) => setTimeout(done, 150))")
    assert browser.value("document.getElementById('stopped').hidden")


@needs_browser
def test_a_warning_stays_in_sight_however_far_the_list_is_scrolled(browser: Browser, tmp_path: Path) -> None:
    browser.open(_write(tmp_path, [_exam(f"Okello^Number {number}", key=f"{number:016x}") for number in range(60)]))
    browser.value("document.getElementById('pause').click(); scrollTo(0, 2000)")
    browser.wait_for("!document.getElementById('stopped').hidden")
    assert browser.value("scrollY") > 1000
    assert browser.in_sight("#stopped") and browser.in_sight("#paused")


@needs_browser
def test_a_page_of_older_exams_warns_too_but_not_for_each_frame_of_the_search(browser: Browser, tmp_path: Path) -> None:
    old = [_exam(f"Okello^Number {number}", key=f"{number:016x}", day="2026-10-03") for number in range(60)]
    write_worklist(tmp_path, EXAMS, old)
    page = tmp_path / "older" / "1.html"
    page.write_text(page.read_text().replace('data-poll-milliseconds="2000"', QUICK_POLL))
    browser.console.clear()
    browser.open(page)
    browser.value("scrollTo(0, 2000)")
    browser.wait_for("!document.getElementById('stopped').hidden")
    assert browser.in_sight("#stopped")
    _beat(tmp_path, 1)
    _beat(tmp_path, 2)
    browser.wait_for("document.getElementById('stopped').hidden")
    assert browser.console == [], "nor is a frame blocked"
    framed = tmp_path / "framing.html"
    framed.write_text("<iframe src='older/1.html'></iframe>")
    browser.value("sessionStorage.clear()")
    browser.open(framed)
    browser.value("new Promise((done) => setTimeout(done, 500))")
    assert browser.value("frames[0].length") == 0


@needs_browser
def test_a_request_that_was_lost_on_the_way_is_no_dead_box(browser: Browser, tmp_path: Path) -> None:
    """It is asked again long before it would be given up."""
    _write(tmp_path, EXAMS)
    over, asked = threading.Event(), list[float]()

    class Server(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if "alive.html" in self.path:
                asked.append(time.monotonic())
                if len(asked) < 3:
                    over.wait(30)  # lost
                    return
                _beat(tmp_path, len(asked))
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            browser.call("Page.navigate", url=f"http://127.0.0.1:{server.server_port}/index.html")
            browser.wait_for("document.getElementById('box')?.innerText.includes('running')")
            assert browser.value("document.getElementById('stopped').hidden")
            assert asked[2] - asked[0] < 1.2, "two polls of 0.2 s"
        finally:
            over.set()
            server.shutdown()


@needs_browser
def test_marked_text_holds_up_a_new_list_only_for_a_moment(browser: Browser, tmp_path: Path) -> None:
    browser.open(_write(tmp_path, EXAMS))
    browser.value("getSelection().selectAllChildren(document.querySelector('.honest')); window.same = true")
    browser.value("new Promise((done) => setTimeout(done, 50))")
    _write(tmp_path, [])
    _beat(tmp_path, 1, render_worklist([], _box()).identity)
    browser.value("new Promise((done) => setTimeout(done, 1500))")
    assert browser.value("window.same"), "it may just be copied"
    browser.value("(now => { performance.now = () => now() + 11_000 })(performance.now.bind(performance))")
    browser.wait_for("document.body.innerText.includes('No exams have arrived yet')")


@needs_browser
def test_a_page_out_of_sight_warns_of_nothing(browser: Browser, tmp_path: Path) -> None:
    page = _write(tmp_path, EXAMS)
    hide = "Object.defineProperty(document, 'hidden', { value: true, configurable: true })"
    added = browser.call("Page.addScriptToEvaluateOnNewDocument", source=hide)
    try:
        browser.open(page)
        browser.value("new Promise((done) => setTimeout(done, 2500))")
        assert browser.value("document.getElementById('stopped').hidden")
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


@needs_browser
def test_the_whole_row_is_the_link_and_high_enough_for_a_finger(browser: Browser, tmp_path: Path) -> None:
    long = _exam("Wolfeschlegelsteinhausenbergerdorff" * 6, headline="Nothing flagged", patient_id="9" * 64)
    stuck = _exam("Achieng^Mary", kind="not_assessed", done=ExamState(unreadable=True, unsent=True))
    page = _write(tmp_path, [*EXAMS, long, stuck])
    for width in (360, 800, 1280):
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        browser.open(page)
        corners = browser.value(
            "[...document.querySelectorAll('#rows tr[class]')].map((row) => { row.scrollIntoView();"
            " const at = row.getBoundingClientRect(); return [at.height,"
            " [[at.left + 9, at.top + 4], [at.right - 4, at.bottom - 4], [at.left + at.width / 2, at.top + 20]]"
            ".map(([x, y]) => document.elementFromPoint(x, y)?.closest('a')?.closest('tr') === row)]; })"
        )
        assert all(height >= 44 and all(hit) for height, hit in corners), (width, corners)
        assert browser.value("document.documentElement.scrollWidth <= innerWidth"), f"{width} px: nothing is cut off"
        cut = "[...document.querySelectorAll('td bdi')].filter((one) => one.scrollWidth > one.clientWidth + 1).length"
        assert browser.value(cut) == 0, f"{width} px: long names wrap"
    browser.call("Emulation.clearDeviceMetricsOverride")


@needs_browser
def test_the_list_is_used_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    browser.open(_write(tmp_path, EXAMS))
    reached = []
    for _ in range(14):
        for kind in ("rawKeyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(browser.value("(({ id, innerText }) => id || innerText)(document.activeElement)"))
    assert reached[:3] == ["pause", "language", "search"]
    assert [one.partition(" ")[0] for one in reached[3:10]] == [
        "All", "Urgent", "Needs", "Not", "Not", "Answered", "Today",
    ]  # fmt: skip
    assert [one[:12] for one in reached[10:]] == ["Urgent: 1 fi", "Not assessed", "1 finding ne", "Nothing flag"]


@needs_browser
def test_hostile_names_are_shown_and_do_nothing(browser: Browser, tmp_path: Path) -> None:
    page = _write(tmp_path, EXAMS, station=HOSTILE, attention=(Problem(what="", for_staff=Sentence(HOSTILE)),))
    _beat(tmp_path, 1)
    browser.console.clear()
    browser.open(page)
    assert browser.value("document.title").startswith("Worklist: <script>")
    assert browser.value("document.body.innerText").count("<script>") == 3
    browser.value("new Promise((done) => setTimeout(done, 500))")
    assert browser.console == [], "nor is a frame blocked"


@needs_browser
def test_each_row_leads_to_its_report(browser: Browser, tmp_path: Path) -> None:
    exam = EXAMS[0]
    report = tmp_path / "2026-11-03" / exam.study.key / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<title>the report</title>")
    browser.open(_write(tmp_path, [exam]))
    browser.value("document.querySelector('#rows a').click()")
    browser.wait_for("document.title === 'the report'")


@needs_browser
def test_the_list_can_be_read_without_its_script(browser: Browser, tmp_path: Path) -> None:
    page = _write(tmp_path, EXAMS)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        assert len(_shown(browser)) == 4
        assert browser.value("document.getElementById('searchbar').hidden")
        assert "does not tell when the box has stopped" in browser.value("document.body.innerText")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_a_line_has_the_number_of_the_exam() -> None:
    exam = _exam("Okello^Grace")
    numbered = replace(exam, study=replace(exam.study, exam_number="K7-42F"))
    assert '<b class="exam-number">K7-42F</b>' in _page([numbered])
    assert 'class="exam-number"' not in _page([exam])


@needs_browser
def test_axe_finds_no_barrier(browser: Browser, tmp_path: Path) -> None:
    browser.open(_write(tmp_path, EXAMS, attention=(Problem(what="", for_staff=Sentence("Something.")),)))
    browser.wait_for("!document.getElementById('stopped').hidden")
    browser.value("document.getElementById('pause').click()")
    assert violations(browser) == []
