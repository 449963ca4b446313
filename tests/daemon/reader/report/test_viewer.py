"""The viewer of a report in a real browser, opened from the disk, by mouse, keyboard and touch."""

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from leapfrog.exam import FramePicture, Identity
from leapfrog.language.sentence import Sentence
from leapfrog.processes.messages import EarlierExam
from leapfrog.reader.report.overlay import save_plain
from leapfrog.reader.report.study_report import render
from support.accessibility import violations
from support.browser import Browser, chromium_program
from support.readings import chest_reading, head_reading, report_job, unassessed_reading

SIZE = {"width": 900, "height": 700}
STAGE = "document.querySelector('.viewer .stage').getBoundingClientRect().toJSON()"
PICTURE = "document.querySelector('.viewer .layers').getBoundingClientRect().toJSON()"

pytestmark = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(SIZE["width"], SIZE["height"]) as one:
        one.call("Emulation.setDeviceMetricsOverride", **SIZE, deviceScaleFactor=1, mobile=False)
        yield one


@pytest.fixture
def head(browser: Browser, tmp_path: Path) -> Browser:
    """The report of a fetal head, whose outline is open in the viewer."""
    render(report_job(tmp_path, head_reading(tmp_path), pdf=False))
    browser.console.clear()
    browser.open(tmp_path / "report-1.html")
    _open(browser, "overlay")
    return browser


def _open(browser: Browser, kind: str) -> None:
    browser.value(f"document.querySelector('a.enlarge[data-kind={kind}]').click()")
    loaded = (
        "[...document.querySelectorAll('.viewer img')].every((one) => one.complete && (one.naturalWidth || one.hidden))"
    )
    browser.wait_for(f"document.querySelector('.viewer').open && {loaded}")


def _key(browser: Browser, key: str) -> None:
    for kind in ("rawKeyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=27 if key == "Escape" else 0)


def _mouse(browser: Browser, *places: tuple[float, float], button: str = "left") -> None:
    """Press at the first place, move over the others, and let go at the last."""
    held = {"button": button, "buttons": 2 if button == "right" else 1}
    (x, y), *others = places
    browser.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, clickCount=1, **held)
    for x, y in others:
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, **held)
    browser.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, clickCount=1, **held)


def _seen(browser: Browser) -> NDArray[np.int16]:
    """What stands on the screen, in gray."""
    png = base64.b64decode(browser.call("Page.captureScreenshot")["data"])
    with Image.open(BytesIO(png)) as image:
        return np.asarray(image.convert("L"), np.int16)


def _middle(browser: Browser) -> int:
    """The gray in the middle of the picture."""
    box: dict[str, Any] = browser.value(STAGE)
    x, y = round(box["left"] + box["width"] / 2), round(box["top"] + box["height"] / 2)
    return int(np.median(_seen(browser)[y - 3 : y + 4, x - 3 : x + 4]))


def _press(browser: Browser, part: str) -> None:
    browser.value(f"document.querySelector('[data-part={part}]').click()")


def test_a_picture_opens_whole_with_the_patient_beside_it_and_nothing_is_blocked(head: Browser) -> None:
    stage, picture = head.value(STAGE), head.value(PICTURE)
    assert picture["left"] >= stage["left"] - 1 and picture["right"] <= stage["right"] + 1
    assert picture["top"] >= stage["top"] - 1 and picture["bottom"] <= stage["bottom"] + 1
    assert max(picture["width"] / stage["width"], picture["height"] / stage["height"]) > 0.99
    said = head.value("document.querySelector('.viewer .whose').innerText")
    assert "Patient: Okello, Grace · Patient ID: KIT-004211" in said and "frame 12 of 40" in said
    assert head.value("document.querySelector('.viewer .zoom').innerText") == "Whole picture"
    _key(head, "+")
    assert head.value("document.querySelector('.viewer .zoom').innerText").endswith(" 1.3")
    assert head.console == []


def test_what_was_drawn_is_named_only_while_it_is_seen_and_an_exam_of_nobody_has_its_number(
    browser: Browser, tmp_path: Path
) -> None:
    render(report_job(tmp_path, head_reading(tmp_path, identity=Identity()), exam_number="K7-42F", pdf=False))
    browser.open(tmp_path / "report-1.html")
    _open(browser, "overlay")
    said = "document.querySelector('.viewer .whose').innerText"
    assert browser.value(said).startswith("Exam K7-42F · Patient: not given")
    outline = "Outline: Fetal head (Head circumference 175.0 mm)"
    assert outline in browser.value(said)
    _key(browser, "o")
    assert outline not in browser.value(said)
    _key(browser, "o")
    assert outline in browser.value(said)


def test_the_viewer_fills_the_screen_and_stays_on_top(head: Browser) -> None:
    at = head.value("document.querySelector('[data-part=full]').getBoundingClientRect().toJSON()")
    _mouse(head, (at["left"] + 5, at["top"] + 5))
    head.wait_for("!!document.fullscreenElement")
    head.wait_for("!!document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest('.viewer')")
    head.value("document.exitFullscreen()")
    head.wait_for("!document.fullscreenElement")
    assert head.console == []


def test_nothing_bars_people_who_see_little_or_use_a_screen_reader(head: Browser, tmp_path: Path) -> None:
    assert violations(head) == []  # of the viewer
    readings = (chest_reading(tmp_path), unassessed_reading(), head_reading(tmp_path))
    earlier = EarlierExam(
        href="../../2026-10-01/x/report.html",
        exam=Sentence("CR CHEST"),
        received=Sentence("2026-10-01"),
        images=Sentence("1 image"),
    )
    job = report_job(tmp_path, *readings, pdf=False, worklist_href="../../index.html", exam_number="K7-42F")
    render(job.model_copy(update={"earlier_exams": (earlier,), "other_patient_ids": ("KIT-2",)}))
    head.open(tmp_path / "report-1.html")
    head.value("document.querySelectorAll('[hidden]').forEach((one) => { one.hidden = false })")  # warnings too
    assert violations(head) == []
    _open(head, "plain")
    assert violations(head) == []


def test_the_keyboard_opens_it_and_closing_returns_to_the_picture(head: Browser) -> None:
    _key(head, "Escape")
    head.wait_for("!document.querySelector('.viewer').open && document.activeElement.dataset.kind === 'overlay'")
    head.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    head.wait_for("document.querySelector('.viewer').open")


def test_what_is_under_the_wheel_stays_there(head: Browser) -> None:
    stage, before = head.value(STAGE), head.value(PICTURE)
    x, y = stage["left"] + 300, stage["top"] + 200
    head.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-400)
    head.wait_for(f"{PICTURE}.width > {before['width']} + 1")
    after = head.value(PICTURE)
    for edge, length, at in (("left", "width", x), ("top", "height", y)):
        assert (at - after[edge]) / after[length] == pytest.approx((at - before[edge]) / before[length], abs=0.005)


def test_a_mouse_pans_and_the_picture_cannot_be_lost(head: Browser) -> None:
    for _ in range(4):
        _key(head, "+")
    stage, before = head.value(STAGE), head.value(PICTURE)
    x, y = stage["left"] + 200, stage["top"] + 200
    _mouse(head, (x, y), (x + 50, y + 40))
    after = head.value(PICTURE)
    assert (after["left"] - before["left"], after["top"] - before["top"]) == pytest.approx((50, 40), abs=1)
    for _ in range(60):
        _key(head, "ArrowLeft")
    assert head.value(PICTURE)["left"] <= stage["left"] + stage["width"] / 2 + 1
    _key(head, "0")
    assert head.value(PICTURE)["width"] <= stage["width"] + 1


def test_two_fingers_enlarge(head: Browser) -> None:
    stage, before = head.value(STAGE), head.value(PICTURE)
    x, y = stage["left"] + stage["width"] / 2, stage["top"] + stage["height"] / 2
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80)):
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        head.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    head.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert head.value(PICTURE)["width"] == pytest.approx(2 * before["width"], rel=0.02)


def test_inverting_level_and_window_change_each_gray_as_they_should(browser: Browser, tmp_path: Path) -> None:
    film = chest_reading(tmp_path, overlay=None, heatmaps=())
    save_plain(np.full((300, 240), 100, np.uint8), tmp_path / "plain-1.jpg")
    render(report_job(tmp_path, film, pdf=False))
    browser.open(tmp_path / "report-1.html")
    _open(browser, "plain")
    assert _middle(browser) == pytest.approx(100, abs=3)
    _key(browser, "i")
    assert _middle(browser) == pytest.approx(155, abs=3)
    _key(browser, "i")
    slide = "(part, value) => { const one = document.querySelector(`[data-part=${part}]`); one.value = value; "
    slide += "one.dispatchEvent(new Event('input')) }"
    browser.value(f"({slide})('brightness', 60)")  # level 0.4 of full white
    assert _middle(browser) == pytest.approx(100 + 0.1 * 255, abs=3)
    browser.value(f"({slide})('contrast', 200)")  # a quarter of the window
    assert _middle(browser) == pytest.approx(127.5 + (100 - 0.4 * 255) * 4, abs=4)
    _press(browser, "reset")
    assert _middle(browser) == pytest.approx(100, abs=3)
    stage = browser.value(STAGE)
    x, y = stage["left"] + 300, stage["top"] + 200
    _mouse(browser, (x, y), (x, y + 100), button="right")
    assert _middle(browser) < 90, "down is darker"
    assert browser.value("document.querySelector('.of-overlay').hidden"), "there is nothing drawn"
    assert browser.console == []


def test_what_is_drawn_can_be_taken_off_and_made_faint(head: Browser) -> None:
    drawn = _seen(head)
    _key(head, "o")
    bare = _seen(head)
    outline = np.abs(drawn - bare) > 60
    outline[:70] = outline[-120:] = False
    assert outline.sum() > 500
    _key(head, "o")
    head.value(
        "(() => { const one = document.querySelector('[data-part=opacity]'); one.value = 50;"
        " one.dispatchEvent(new Event('input')) })()"
    )
    faint = np.abs(_seen(head) - bare)[outline].mean()
    assert faint == pytest.approx(np.abs(drawn - bare)[outline].mean() / 2, rel=0.15)


def test_the_frames_of_a_loop_are_leafed_through_and_only_the_reported_one_has_marks(
    browser: Browser, tmp_path: Path
) -> None:
    for frame in (1, 20):
        save_plain(np.full((200, 300), 5 * frame, np.uint8), tmp_path / f"frame-{frame}.jpg")
    others = tuple(FramePicture(frame=frame, file=f"frame-{frame}.jpg") for frame in (1, 20))
    render(report_job(tmp_path, head_reading(tmp_path, frame_pictures=others), pdf=False))
    browser.console.clear()
    browser.open(tmp_path / "report-1.html")
    assert browser.value("document.querySelector('.loop .reported').innerText") == "Frame 12, the one reported"
    _open(browser, "overlay")
    picture = "document.querySelector('[data-part=plain]').src.split('/').pop()"
    shown = f"[{picture}, document.querySelector('.of-overlay').hidden]"
    assert browser.value(shown) == ["plain-2.jpg", False]
    _key(browser, "PageDown")
    assert browser.value(shown) == ["frame-20.jpg", True]
    assert "Frame 20" in browser.value("document.querySelector('[data-part=caption]').innerText")
    assert browser.value("document.querySelector('[data-part=newer]').disabled")
    _press(browser, "older")
    _press(browser, "older")
    assert browser.value(shown) == ["frame-1.jpg", True]
    browser.wait_for("document.querySelector('[data-part=plain]').complete")
    assert _middle(browser) == pytest.approx(5, abs=3)
    assert browser.console == []


def test_the_reported_frame_is_in_sight_among_many(browser: Browser, tmp_path: Path) -> None:
    for frame in range(1, 20):
        save_plain(np.full((200, 300), 5 * frame, np.uint8), tmp_path / f"frame-{frame}.jpg")
    others = tuple(FramePicture(frame=frame, file=f"frame-{frame}.jpg") for frame in range(1, 20) if frame != 12)
    render(report_job(tmp_path, head_reading(tmp_path, frame_pictures=others), pdf=False))
    browser.open(tmp_path / "report-1.html")
    strip, reported = browser.value(
        "['.loop', '.reported'].map((one) => document.querySelector(one).getBoundingClientRect().toJSON())"
    )
    assert strip["left"] <= reported["left"] and reported["right"] <= strip["right"]


def test_a_map_of_one_finding_opens_for_itself(browser: Browser, tmp_path: Path) -> None:
    render(report_job(tmp_path, chest_reading(tmp_path), pdf=False))
    browser.open(tmp_path / "report-1.html")
    browser.value("document.querySelectorAll('a.enlarge[data-kind=map]')[1].click()")
    assert browser.value("document.querySelector('.viewer [data-part=plain]').src").endswith("heatmap-1-2.jpg")
    assert browser.value("document.querySelector('.of-overlay').hidden")


def test_without_scripts_a_picture_opens_as_a_file(tmp_path: Path) -> None:
    render(report_job(tmp_path, chest_reading(tmp_path), pdf=False))
    assert '<a class="enlarge" href="plain-1.jpg"' in (tmp_path / "report-1.html").read_text()


@pytest.mark.parametrize("width", [360, 800])
def test_every_button_is_in_sight_and_large_enough_for_a_finger(width: int, head: Browser) -> None:
    head.call("Emulation.setDeviceMetricsOverride", width=width, height=740, deviceScaleFactor=1, mobile=True)
    boxes = head.value(
        "[...document.querySelectorAll('.viewer button')].filter((one) => !one.hidden)"
        ".map((one) => one.getBoundingClientRect().toJSON())"
    )
    stage = head.value(STAGE)
    head.call("Emulation.setDeviceMetricsOverride", **SIZE, deviceScaleFactor=1, mobile=False)
    assert len(boxes) == 8
    for box in boxes:
        assert box["width"] >= 44 and box["height"] >= 44
        assert box["left"] >= 0 and box["right"] <= width and box["top"] >= 0 and box["bottom"] <= 740
    assert stage["height"] > 300
