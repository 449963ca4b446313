"""A list of which a search or a filter shows a part says what part that is, on screen and on paper, and hides nothing
that came meanwhile.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from leapfrog.heartbeat.heartbeat import alive_page
from leapfrog.worklist.listed_exam import ListedExam
from leapfrog.worklist.worklist import render_worklist
from support.browser import Browser, chromium_program
from support.listed import box_state, listed_exam, write_worklist

pytestmark = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")

URGENT: dict[str, Any] = {"kind": "look", "headline": "Urgent: 1 finding needs a look: Pneumothorax", "urgent": True}
COUNT = "document.getElementById('count').innerText"
HEADINGS = "[...document.querySelectorAll('tbody:not([hidden]) th')].map((one) => one.textContent.trim())"
ROWS = "document.querySelectorAll('#rows tr[class]:not([hidden])').length"


def _exams(count: int, letter: str, **values: Any) -> list[ListedExam]:
    return [listed_exam(f"Okello^{letter}{n}", key=f"{letter}{n:015}", **values) for n in range(count)]


def _search(browser: Browser, text: str) -> None:
    browser.value("document.getElementById('search').select()")
    browser.type(text)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(800, 1000) as one:
        yield one


def _open(browser: Browser, directory: Path, exams: Sequence[ListedExam], *older: Sequence[ListedExam]) -> Path:
    browser.call("Page.navigate", url="about:blank")
    index = write_worklist(directory, exams, *older)
    page = index.read_text().replace('data-poll-milliseconds="2000"', 'data-poll-milliseconds="200"')
    index.write_text(page)
    browser.open(index)
    browser.value("sessionStorage.clear()")
    browser.call("Page.reload")
    browser.wait_for("document.readyState === 'complete'")
    return index


def test_a_filter_shows_all_that_it_counts(browser: Browser, tmp_path: Path) -> None:
    older = [_exams(90, letter, day="2026-10-01", **URGENT) for letter in "abcd"]
    _open(browser, tmp_path, [*_exams(3, "e"), *_exams(1, "f", **URGENT)], *older)
    assert "Urgent 361" in browser.value("document.getElementById('filters').innerText")
    browser.value("document.querySelector('[data-filter=urgent]').click()")
    browser.wait_for(f"{COUNT} === '361 of 364 exams match; 51 of them shown.'")
    more = "document.getElementById('more')"
    assert browser.value(f"{more}.textContent") == "Show 200 more"
    browser.value(f"{more}.click()")
    browser.wait_for(f"{ROWS} === 251 && {more}.textContent === 'Show 110 more'")
    browser.call("Page.reload")
    browser.wait_for(f"document.readyState === 'complete' && {ROWS} === 251")
    browser.value(f"{more}.click()")
    browser.wait_for(f"{COUNT} === '361 of 364 exams shown.' && {more}.hidden")
    assert browser.value(HEADINGS) == ["Urgent 1", "Older exams 360"]
    browser.value("document.querySelector('[data-filter=person]').click()")
    browser.wait_for(f"{COUNT}.startsWith('0 of 364 exams shown. Write less of it, or press Clear') && {more}.hidden")


def test_headings_count_what_is_shown_and_paper_says_what_was_looked_for(browser: Browser, tmp_path: Path) -> None:
    yesterday = _exams(2, "y", day="2026-11-02", kind="not_assessed", headline="Not assessed")
    _open(browser, tmp_path, [*_exams(3, "n"), *_exams(1, "p", kind="not_assessed"), *yesterday])
    assert browser.value(HEADINGS) == ["A person must look at these 3", "Other exams 3"]
    browser.value("document.querySelector('[data-filter=today]').click()")
    assert browser.value(HEADINGS) == ["A person must look at these 1 of 3", "Other exams 3"]
    _search(browser, "<b>n1")
    _search(browser, "n1")
    assert browser.value(HEADINGS) == ["Other exams 1 of 3"]
    assert browser.value(COUNT) == "1 of 6 exams shown."
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        said = "Only what was found for “n1” among the exams under “Today”: 1 of 6 exams shown."
        assert browser.value(COUNT) == said
        assert browser.value("document.getElementById('searchbar').offsetHeight") == 0
        _search(browser, "")
        browser.value("document.getElementById('search').value = ''; document.getElementById('clear').click()")
        assert browser.value(COUNT) == ""
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_only_the_newest_urgent_exams_count_as_hidden_and_those_nobody_saw_stand_out(
    browser: Browser, tmp_path: Path
) -> None:
    rest = [*_exams(2, "n"), *_exams(1, "m", day="2026-11-02"), *_exams(5, "o", day="2026-10-01", **URGENT)]
    first = [*_exams(1, "u", **URGENT), *rest]
    index = _open(browser, tmp_path, first)
    red = "document.querySelector('#count .hiding')?.textContent ?? ''"
    _search(browser, "okello u0")
    assert "hides" not in browser.value(COUNT)
    _search(browser, "okello n")
    assert browser.value(COUNT).endswith("The search hides 1 of the newest urgent exams.")
    assert browser.value(red) == ""
    newer = [*_exams(1, "w", **URGENT), *first]
    write_worklist(tmp_path, newer)
    page = index.read_text().replace('data-poll-milliseconds="2000"', 'data-poll-milliseconds="200"')
    index.write_text(page)
    (tmp_path / "alive.html").write_text(alive_page("run-1", render_worklist(newer, box_state()).identity))
    browser.wait_for(f"{red} === '1 new urgent exam is hidden: press Clear.'")
    assert "The search hides 1 of the newest urgent exams." in browser.value(COUNT)
    browser.value("document.getElementById('clear').click()")
    assert browser.value(COUNT) == ""
    _search(browser, "okello n")
    assert browser.value(red) == "", "somebody saw it meanwhile"
    browser.value("document.querySelector('[data-filter=unsent]').click()")
    assert "Search and filter hide 2 of the newest urgent exams." in browser.value(COUNT)
