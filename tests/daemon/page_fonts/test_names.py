"""A name in each script looks as its reference picture: on the worklist, on the page of an exam and on paper.

The browser has Latin, Greek and Cyrillic letters alone, so that whatever else is drawn comes with the page.
"""

import re
import unicodedata
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import typst
from PIL import Image

from leapfrog.exam import Identity
from leapfrog.reader.report.characters import FONTS, undrawable
from leapfrog.reader.report.pdf import FONT_LIST
from leapfrog.reader.report.study_report import render
from leapfrog.wording.text import UNSHOWABLE, person_name
from support.browser import Browser, chromium_program
from support.listed import listed_exam, write_worklist
from support.names import NAMES
from support.pictures import References
from support.readings import report_job, unassessed_reading

PICTURES = Path(__file__).with_name("names")
LATIN = (FONTS / "NotoSans.ttf", FONTS / "NotoSansBold.ttf")
CHINESE, NKO = "Yamada^Tarou=山田^太郎", "ߒߞߏ"
TYPST_FONTS = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])

needs_browser = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(1200, 900, fonts=LATIN) as one:
        one.call("Emulation.setDeviceMetricsOverride", width=1200, height=900, deviceScaleFactor=3, mobile=False)
        yield one


@pytest.fixture(scope="module")
def listed(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image.Image]:
    """Each name as the worklist shows it."""
    exams = [listed_exam(name) for name in NAMES.values()]
    browser.open(write_worklist(tmp_path_factory.mktemp("list"), exams))
    _wait_for_fonts(browser)
    whole = browser.picture(browser.value(_box_of("document.documentElement")))
    boxes = browser.value(f"[...document.querySelectorAll('{NAME_IN_LIST}')].map((name) => {BOX})")
    scale = whole.width / browser.value("document.documentElement.clientWidth")
    return {language: _cut(whole, box, scale) for language, box in zip(NAMES, boxes, strict=True)}


NAME_IN_LIST = "#rows td:nth-child(2) bdi:first-child"
BOX = """((of) => {
  const range = document.createRange();
  range.selectNodeContents(of);
  const { x, y, width, height } = (of.firstChild?.nodeType === 3 ? range : of).getBoundingClientRect();
  return { x: x + scrollX, y: y + scrollY, width, height };
})(name)"""


def _box_of(element: str) -> str:
    return f"((name) => {BOX})({element})"


def _cut(whole: Image.Image, box: dict[str, float], scale: float) -> Image.Image:
    """A name with what its marks need above and below the line, as far as that is seen."""
    left, top, right, bottom = box["x"] - 3, box["y"] - 2, box["x"] + box["width"] + 3, box["y"] + box["height"] + 5
    return whole.crop((round(left * scale), round(top * scale), round(right * scale), round(bottom * scale)))


def _wait_for_fonts(browser: Browser) -> None:
    browser.wait_for("document.fonts.status === 'loaded'")


def _on_page(browser: Browser, directory: Path, name: str) -> Image.Image:
    """The patient's name as the page of an exam shows it."""
    identity = Identity(patient_name=name, patient_id="KIT-1")
    render(report_job(directory, unassessed_reading(identity=identity), pdf=False))
    browser.open(directory / "report-1.html")
    _wait_for_fonts(browser)
    box: dict[str, Any] = browser.value(_box_of("document.querySelector('.who dd bdi')"))
    return _cut(browser.picture(), box, 3)


def _on_paper(name: str) -> Image.Image:
    """The name as typst sets it, in the fonts of a report."""
    families = ", ".join(
        f'"{family}"' for family in re.findall(r'"((?:Noto|DejaVu) Sans[^"]*)"', FONT_LIST.read_text())
    )
    source = f"#set page(width: auto, height: auto, margin: 4pt)\n#set text(font: ({families}), size: 24pt)\n"
    source += "#set text(top-edge: 1.2em, bottom-edge: -0.6em)\n#sys.inputs.name"
    shown = undrawable().sub(UNSHOWABLE, person_name(name))
    files: Any = {"main.typ": source.encode()}  # since typst's own types know one file only
    png = typst.compile(files, font_paths=TYPST_FONTS, sys_inputs={"name": shown}, format="png", ppi=144)
    return Image.open(BytesIO(png)).convert("RGB")


@needs_browser
@pytest.mark.parametrize("language", NAMES)
def test_a_name_on_the_worklist_looks_as_its_picture(
    language: str, listed: dict[str, Image.Image], pictures: References
) -> None:
    assert pictures.name_differs(PICTURES / f"{language}-page.png", listed[language]) == ""


@needs_browser
@pytest.mark.parametrize("language", NAMES)
def test_a_name_on_the_page_of_an_exam_looks_as_its_picture(
    language: str, browser: Browser, tmp_path: Path, pictures: References
) -> None:
    if not pictures.renew:  # they are the worklist's
        picture = _on_page(browser, tmp_path, NAMES[language])
        assert pictures.name_differs(PICTURES / f"{language}-page.png", picture) == ""


@pytest.mark.parametrize("language", NAMES)
def test_a_name_on_paper_looks_as_its_picture(language: str, pictures: References) -> None:
    assert pictures.name_differs(PICTURES / f"{language}-pdf.png", _on_paper(NAMES[language])) == ""


@pytest.mark.parametrize("language", NAMES)
def test_a_picture_tells_boxes_and_lost_marks_from_the_name(language: str) -> None:
    name, references, file = NAMES[language], References(renew=False), PICTURES / f"{language}-pdf.png"
    bare = "".join(
        letter for letter in unicodedata.normalize("NFD", name) if unicodedata.category(letter) not in ("Mn", "Mc")
    )
    if bare != name:
        assert references.name_differs(file, _on_paper(bare))
    assert references.name_differs(file, _on_paper("▯" * len(name)))


@needs_browser
@pytest.mark.parametrize(("name", "shown"), [(CHINESE, "Yamada, Tarou ([?], [?])"), (NKO, "[?]")])
def test_a_page_says_what_this_device_cannot_draw_instead_of_showing_boxes(
    name: str, shown: str, browser: Browser, tmp_path: Path
) -> None:
    browser.console.clear()
    seen = "document.querySelector('.who dd bdi').innerText"
    _on_page(browser, tmp_path, name)
    browser.wait_for(f"{seen} === '{shown}'")
    assert not browser.value("document.getElementById('undrawn').hidden")
    browser.open(write_worklist(tmp_path, [listed_exam(name), listed_exam("Okello^Grace")]))
    browser.wait_for(f"document.querySelector('{NAME_IN_LIST}').innerText === '{shown}'")
    assert not browser.value("document.getElementById('undrawn').hidden")
    browser.value("document.getElementById('search').select()")
    browser.type(name[-1])
    browser.wait_for("[...document.querySelectorAll('#rows tr[class]')].filter((row) => !row.hidden).length === 1")
    _on_page(browser, tmp_path, "Иванова^राम")
    browser.value("document.fonts.ready.then(() => new Promise((done) => setTimeout(done, 100)))")
    assert browser.value("document.getElementById('undrawn').hidden")
    assert browser.console == []
