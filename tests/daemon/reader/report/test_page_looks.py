"""The page of an exam on a phone, a 10-inch tablet and a desk looks as its reference pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.reader.report.characters import FONTS
from leapfrog.reader.report.study_report import render
from support.browser import Browser, chromium_program
from support.names import NAMES
from support.pictures import SCREENS, References
from support.readings import PATIENT, chest_reading, finding, report_job, unassessed_reading

pytestmark = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")

PICTURES = Path(__file__).with_name("looks")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Path]]:
    """An urgent film and one that was not assessed, of a patient whose name has two scripts."""
    folder = tmp_path_factory.mktemp("exam")
    identity = PATIENT.model_copy(update={"patient_name": f"{NAMES['Khmer']}={NAMES['Thai']}", "patient_age": "042Y"})
    findings = (finding("Edema", 0.9, urgent=True, urgent_threshold=0.7), finding("Nodule", 0.11, 0.35))
    readings = (chest_reading(folder, identity=identity, findings=findings), unassessed_reading(identity=identity))
    render(report_job(folder, *readings, exam_number="K7-42F", worklist_href="../../index.html", pdf=False))
    with Browser(800, 1200, fonts=(FONTS / "NotoSans.ttf", FONTS / "NotoSansBold.ttf")) as browser:
        yield browser, folder / "report-1.html"


@pytest.mark.parametrize("screen", SCREENS)
def test_the_page_of_an_exam_looks_as_its_picture(
    screen: str, page: tuple[Browser, Path], pictures: References
) -> None:
    browser, file = page
    assert pictures.page_differs(PICTURES / f"{screen}.webp", browser.whole_page(file, SCREENS[screen])) == ""
