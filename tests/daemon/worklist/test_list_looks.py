"""The worklist on a phone, a 10-inch tablet and a desk looks as its reference pictures, with names in five scripts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.language.sentence import Sentence
from leapfrog.problem import Problem
from leapfrog.reader.report.characters import FONTS
from leapfrog.state.exam_states import ExamState
from support.browser import Browser, chromium_program
from support.listed import listed_exam, write_worklist
from support.names import NAMES
from support.pictures import SCREENS, References

pytestmark = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")

PICTURES = Path(__file__).with_name("looks")
LOOK: dict[str, Any] = {"kind": "look", "headline": "2 findings need a look: Pleural effusion, Infiltration"}
UNKNOWN: dict[str, Any] = {"age_and_sex": "age not given, female", "caution": "Age not given: for adults only"}
EXAMS = [
    listed_exam(NAMES["Hindi"], age_and_sex="42 years, female", exam_number="K7-42F", **LOOK),
    listed_exam(
        NAMES["Amharic"], urgent=True, kind="look", headline="Urgent: 1 finding needs a look: Pneumothorax",
        age_and_sex="7 months, male", done=ExamState(unsent=True),
    ),
    listed_exam(NAMES["Burmese"], age_and_sex="61 years, male", done=ExamState(confirmed=True)),
    listed_exam(
        NAMES["Arabic"], kind="not_assessed", headline="Not assessed", exam="CR CHEST LL",
        detail="This is a lateral view. Send a frontal film.", **UNKNOWN,
    ),
    listed_exam("Okello^Grace", conflict="The images disagree about the patient name", images="3 images", **LOOK),
    listed_exam(
        "Ramanantsoanirina-Andriamanantena^Marie Philomène Célestine", kind="measured",
        headline="Head circumference 175.0 mm", exam="US FETUS", phantom=True,
    ),
    listed_exam("Nakato^Sarah", kind="not_assessed", headline="Not assessed", done=ExamState(unreadable=True)),
    listed_exam("Achieng^Mary", day="2026-11-02", state="open", done=ExamState(unread=True)),
]  # fmt: skip
OLDER = [listed_exam("Żółć^Łukasz", day="2026-09-30"), listed_exam("Wanjiku^Peter", day="2026-10-01")]
WRONG = Problem(what="1 file failed.", remedy="Run it.", for_staff=Sentence("An image cannot be read: send it again."))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Path]]:
    index = write_worklist(tmp_path_factory.mktemp("list"), EXAMS, OLDER, unread=2, attention=(WRONG,))
    with Browser(800, 1200, fonts=(FONTS / "NotoSans.ttf", FONTS / "NotoSansBold.ttf")) as browser:
        yield browser, index


@pytest.mark.parametrize("screen", SCREENS)
def test_the_worklist_looks_as_its_picture(screen: str, page: tuple[Browser, Path], pictures: References) -> None:
    browser, index = page
    assert pictures.page_differs(PICTURES / f"{screen}.webp", browser.whole_page(index, SCREENS[screen])) == ""


def test_a_picture_tells_a_broken_layout(page: tuple[Browser, Path]) -> None:
    browser, index = page
    broken = {
        "one line more": "document.querySelector('.honest').append(document.createElement('br'), 'x')",
        "no colours": "document.querySelectorAll('tr.urgent').forEach((row) => { row.className = '' })",
        "a narrower column": "document.querySelector('thead th').style.width = '20%'",
        "no fonts of ours": "document.querySelector('style').textContent ="
        " document.querySelector('style').textContent.replaceAll('@font-face', '@none')",
    }
    for what, script in broken.items():
        picture = browser.whole_page(index, SCREENS["tablet"], script)
        assert References(renew=False).page_differs(PICTURES / "tablet.webp", picture), what
