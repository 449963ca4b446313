"""The pages in Firefox, opened from a disk: it says of fewer files than Chromium that they belong together."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.heartbeat.heartbeat import alive_page, newest_page
from leapfrog.page_fonts.page_fonts import FONTS
from leapfrog.reader.report.study_report import render
from support.firefox import Firefox, firefox_program
from support.listed import listed_exam, write_worklist
from support.names import NAMES
from support.readings import PATIENT, head_reading, report_job

pytestmark = pytest.mark.skipif(firefox_program() is None, reason="Firefox is not installed (firefox-esr)")

FONTS_THERE = "[...document.fonts].filter((one) => one.status === 'loaded').length"

MIDDLE = (400, 400, 401, 401)  # a place of the picture that is open


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    with Firefox() as one:
        yield one


def test_the_list_has_its_fonts_hears_the_box_and_finds_older_exams(firefox: Firefox, tmp_path: Path) -> None:
    shutil.copytree(FONTS, tmp_path / "fonts")
    older = [listed_exam(NAMES["Tamil"], day="2026-09-02"), listed_exam("Akello^Mary", day="2026-09-01")]
    (tmp_path / "alive.html").write_text(alive_page("run-1", ""))
    firefox.open(write_worklist(tmp_path, [listed_exam(NAMES["Hindi"])], older))
    firefox.wait_for(f"{FONTS_THERE} === 2")  # Devanagari and signs
    firefox.value(
        "(() => { const search = document.getElementById('search'); search.focus(); search.value = 'குமார்';"
        " search.dispatchEvent(new Event('input')) })()"
    )
    firefox.wait_for("document.getElementById('count').textContent.includes('1 of 3 exams shown')")
    assert "குமார்" in firefox.value("document.getElementById('older-rows').innerText")
    firefox.wait_for(f"{FONTS_THERE} === 3")
    (tmp_path / "alive.html").write_text(alive_page("run-2", ""))
    firefox.wait_for("document.getElementById('box').textContent === '● the box is running'")
    (tmp_path / "memory.html").write_text(alive_page("run-3", "a list that firefox has not"))
    (tmp_path / "alive.now.html").symlink_to(tmp_path / "memory.html")
    firefox.open(tmp_path / "index.html")
    firefox.wait_for("'memory' in (JSON.parse(sessionStorage.getItem('leapfrog-box-2')) || {beats: {}}).beats")
    firefox.open(tmp_path / "older" / "1.html")
    firefox.wait_for(f"{FONTS_THERE} === 2")


def test_the_page_of_an_exam_has_its_fonts_hears_of_a_newer_version_and_opens_pictures(
    firefox: Firefox, tmp_path: Path
) -> None:
    folder = tmp_path / "2026-11-03" / "key"
    folder.mkdir(parents=True)
    patient = PATIENT.model_copy(update={"patient_name": f"{NAMES['Khmer']}=山田"})
    render(report_job(folder, head_reading(folder, identity=patient), pdf=False, worklist_href="../../index.html"))
    (folder / "report.newest.html").write_text(newest_page(2))
    firefox.open(folder / "report-1.html")
    firefox.wait_for(f"{FONTS_THERE} === 2")
    firefox.wait_for("!document.getElementById('newer').hidden")
    firefox.wait_for(
        "document.getElementById('undrawn').hidden !== document.querySelector('.who bdi').innerText.includes('[?]')"
    )
    firefox.value("document.querySelector('a.enlarge[data-kind=overlay]').click()")
    firefox.wait_for("document.querySelector('.viewer').open && document.querySelector('.viewer img').naturalWidth > 0")
    plain = firefox.picture().convert("L").crop(MIDDLE).tobytes()
    firefox.value("document.querySelector('[data-part=invert]').click()")
    inverted = firefox.picture().convert("L").crop(MIDDLE).tobytes()
    assert plain[0] + inverted[0] == pytest.approx(255, abs=12)
