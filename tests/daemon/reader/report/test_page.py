"""The report page in a real browser, opened from the disk as staff open it."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.exam import Identity, Outcome
from leapfrog.heartbeat.heartbeat import SheetTold, alive_page, newest_page
from leapfrog.language.sentence import Sentence
from leapfrog.packages.package import SHIPPED_PACKAGES, load_package
from leapfrog.processes.messages import EarlierExam
from leapfrog.reader.report.overlay import save_heatmap, save_plain
from leapfrog.reader.report.study_report import render
from leapfrog.worklist.publication import publish
from support.browser import Browser, chromium_program
from support.readings import (
    CHEST_MODEL,
    PATIENT,
    chest_reading,
    finding,
    gray_picture,
    head_reading,
    report_job,
    unassessed_reading,
    warm_spot,
)

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
PICTURES = "[...document.querySelectorAll('figure img')]"  # of the page itself, without those of the viewer

pytestmark = pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(800, 1200) as one:
        yield one


def _open(browser: Browser, report_dir: Path, *readings: object, **values: object) -> str:
    """Render, publish and open a report; what it says."""
    render(report_job(report_dir, *readings, **values))  # type: ignore[arg-type]
    publish(report_dir, report_dir, 1)
    browser.console.clear()
    browser.open(report_dir / "report.html")
    text: str = browser.value("document.body.innerText")
    return text


def test_the_pictures_show_and_nothing_is_blocked(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, chest_reading(tmp_path))
    browser.value("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager' })")
    browser.wait_for("[...document.querySelectorAll('figure img')].every((image) => image.complete)")
    assert (
        browser.value("[...document.querySelectorAll('figure img')].map((image) => image.naturalWidth > 0)")
        == [True] * 4
    )
    assert browser.console == []


def test_the_plain_picture_stands_beside_the_heat_map(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, chest_reading(tmp_path))
    plain, overlay = browser.value(
        "[...document.querySelectorAll('figure img')].slice(0, 2).map((i) => i.getBoundingClientRect().toJSON())"
    )
    assert plain["top"] == overlay["top"]
    assert plain["right"] <= overlay["left"]


def test_findings_are_shown_in_words_with_score_threshold_and_model(browser: Browser, tmp_path: Path) -> None:
    text = _open(browser, tmp_path, chest_reading(tmp_path))
    rows = browser.value(
        "[...document.querySelectorAll('.findings li')].map((row) => row.innerText.split(/\\s*\\n\\s*/))"
    )
    assert rows == [
        ["Pleural effusion", "△ FLAGGED, above the threshold", "Score 0.87 · Threshold 0.41"],
        ["Infiltration", "△ FLAGGED, above the threshold", "Score 0.63 · Threshold 0.52"],
        ["Nodule", "○ not flagged, not ruled out", "Score 0.11 · Threshold 0.35"],
    ]
    assert "chest-findings 0.1.0 on CPU, demonstration model" in text
    assert "This is not a diagnosis" in text
    assert browser.value("document.querySelector('h1').innerText").startswith("2 findings need a look")


def test_an_urgent_finding_is_told_from_a_flagged_one_by_shape_words_and_colour(
    browser: Browser, tmp_path: Path
) -> None:
    findings = (finding("Nodule"), finding("Edema", 0.9, urgent=True, urgent_threshold=0.7))
    text = _open(browser, tmp_path, chest_reading(tmp_path, findings=findings))
    results = browser.value("[...document.querySelectorAll('.result')].map((cell) => cell.innerText)")
    assert results == ["△ FLAGGED, above the threshold", "▲ URGENT, above the urgent threshold"]
    colours = browser.value("[...document.querySelectorAll('.result')].map((cell) => getComputedStyle(cell).color)")
    assert len({*colours}) == 2
    assert "Score 0.90 · Threshold 0.50 · Urgent from 0.70" in text
    assert browser.value("document.title").startswith("▲ Urgent: 2 findings need a look: Edema, Nodule")


def test_not_assessed_gives_reason_and_that_a_person_is_needed(browser: Browser, tmp_path: Path) -> None:
    text = _open(browser, tmp_path, chest_reading(tmp_path), unassessed_reading())
    assert "? Not assessed" in text
    assert "This is a lateral view. Send a frontal film." in text
    assert "it needs a person" in text
    assert "1 of 2 images was not assessed" in text


def test_a_measurement_is_shown_with_its_outline(browser: Browser, tmp_path: Path) -> None:
    text = _open(browser, tmp_path, head_reading(tmp_path))
    assert browser.value("document.querySelector('h1').innerText") == "Head circumference 175.0 mm"
    assert "The picture, frame 12 of 40" in text
    assert "FLAGGED" not in text


def test_an_age_that_is_not_given_is_said_above_the_headline(browser: Browser, tmp_path: Path) -> None:
    identity = PATIENT.model_copy(update={"birth_date": "", "patient_age": "7Y"})
    _open(browser, tmp_path, chest_reading(tmp_path, identity=identity, age_not_given=True))
    said, headline = browser.value(
        "['.caution', 'h1'].map((one) => document.querySelector('.headline ' + one).getBoundingClientRect().toJSON())"
    )
    assert said["bottom"] <= headline["top"] and said["left"] == headline["left"]
    lines = browser.value("document.querySelector('.headline').innerText").split("\n\n")
    assert lines[1] == "Age not given: this reading holds for adults only; for a child disregard it."
    assert 'age not given (the image says "7Y"), female' in browser.value("document.querySelector('.who').innerText")


def test_what_was_not_looked_for_stands_under_the_findings(browser: Browser, tmp_path: Path) -> None:
    model = CHEST_MODEL.model_copy(update={"not_covered": ("Pneumothorax", HOSTILE)})
    findings = (finding("Nodule", 0.1),)
    text = _open(browser, tmp_path, chest_reading(tmp_path, findings=findings, outcome="nothing_found", model=model))
    assert "Not covered, so neither found nor ruled out: pneumothorax, <script>" in text
    assert "42 years, female" in text
    assert browser.console == []


def test_a_model_that_does_not_tell_where_is_shown_with_the_film_alone(browser: Browser, tmp_path: Path) -> None:
    flagged = (finding("Pneumonia", 0.9, shows_where=False), finding("Nodule", 0.1, shows_where=False))
    text = _open(browser, tmp_path, chest_reading(tmp_path, findings=flagged, overlay=None, heatmaps=()))
    assert browser.value(f"{PICTURES}.length") == 1
    assert text.count("The model does not tell where in the picture it sees this.") == 1
    assert not any(word in text.lower() for word in ("heat", "colour", "where the model looked"))


@pytest.mark.parametrize("outcome", ["findings", "nothing_found"])
def test_a_film_that_was_sent_as_another_view_than_it_was_read_as_says_so(
    browser: Browser, tmp_path: Path, outcome: Outcome
) -> None:
    findings = (finding("Nodule", 0.9 if outcome == "findings" else 0.1),)
    text = _open(browser, tmp_path, chest_reading(tmp_path, findings=findings, outcome=outcome, view="AP"))
    assert text.count("Sent as PA (from behind), but the picture looks like AP") == 1
    assert "Read as" not in _open(browser, tmp_path, chest_reading(tmp_path))


def test_hostile_names_are_shown_and_do_nothing(browser: Browser, tmp_path: Path) -> None:
    identity = Identity(patient_name=HOSTILE, patient_id=HOSTILE, study_description=HOSTILE, accession_number=HOSTILE)
    readings = [chest_reading(tmp_path, identity=identity), unassessed_reading(reason=HOSTILE)]
    text = _open(browser, tmp_path, *readings, other_patient_ids=(HOSTILE,))
    assert text.count("<script>") == 7, "four fields, a reason, and two sentences on whose exam it is"
    assert browser.value("document.title") == "△ 2 findings need a look: Pleural effusion, Infiltration"
    assert browser.value(f"{PICTURES}.length") == 4
    assert browser.console == []


def test_even_a_script_that_got_in_would_not_run(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, chest_reading(tmp_path))
    page = tmp_path / "report.html"
    page.write_text(page.read_text().replace("</main>", "<script>document.title = 'run'</script></main>"))
    browser.open(page)
    assert browser.value("document.scripts.length") == 2
    assert browser.value("document.title") != "run"


def test_an_open_report_learns_of_its_newer_version_and_that_the_box_stopped(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "2026-11-03" / "key"
    folder.mkdir(parents=True)
    render(report_job(folder, chest_reading(folder), worklist_href="../../index.html", version=3))
    publish(folder, folder, 3)
    page = folder / "report.html"
    page.write_text(page.read_text().replace('data-poll-milliseconds="2000"', 'data-poll-milliseconds="100"'))
    (tmp_path / "alive.html").write_text(alive_page("run-1", "list 1"))
    (folder / "report.newest.html").write_text(newest_page(3))
    browser.console.clear()
    browser.open(page)
    browser.wait_for("document.querySelectorAll('iframe[src*=newest]').length === 1")
    (folder / "report.newest.html").write_text(newest_page(3, SheetTold("confirmed", "2026-11-03 14:22")))
    (tmp_path / "alive.html").write_text(alive_page("run-1b", "list 1b"))
    browser.wait_for(
        "document.getElementById('paper').textContent === 'A sheet of this report was printed 2026-11-03 14:22.'"
    )
    (folder / "report.newest.html").write_text(newest_page(4))
    assert browser.value("document.getElementById('newer').hidden"), "it asks when the worklist changed"
    (tmp_path / "alive.html").write_text(alive_page("run-2", "list 2"))
    browser.wait_for("!document.getElementById('newer').hidden")
    assert browser.value("document.getElementById('paper').textContent") == "", "that was another version's"
    assert "There is a newer version of this report. Show it" in browser.value("document.body.innerText")
    browser.wait_for("!document.getElementById('stopped').hidden")
    browser.value("scrollTo(0, 900)")
    assert browser.value("scrollY") > 100
    assert browser.in_sight("#newer") and browser.in_sight("#stopped")
    browser.value("document.querySelector('a.enlarge').click()")
    browser.wait_for("document.querySelector('.viewer').open")
    assert browser.in_sight(".viewer [data-warns=newer]") and browser.in_sight(".viewer [data-warns=stopped]")
    assert browser.console == []
    browser.value("sessionStorage.clear()")


def test_a_report_without_a_worklist_listens_for_nothing(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, chest_reading(tmp_path))
    assert browser.value("document.querySelectorAll('#newer, #stopped, iframe').length") == 0
    assert "frame-src" not in browser.value("document.querySelector('meta[http-equiv]').content")


def test_empty_identity_is_shown_as_not_given(browser: Browser, tmp_path: Path) -> None:
    text = _open(browser, tmp_path, unassessed_reading(identity=Identity()))
    assert text.count("not given") == 6


def test_differing_identities_are_shown_in_red(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, chest_reading(tmp_path), other_patient_ids=("KIT-2",))
    colour = browser.value("getComputedStyle(document.querySelector('.conflict p + p')).color")
    assert colour == "rgb(176, 0, 18)"


def test_a_phantom_is_announced(browser: Browser, tmp_path: Path) -> None:
    assert "There is no patient." in _open(browser, tmp_path, head_reading(tmp_path, phantom=True))


def test_no_heat_maps_when_they_are_switched_off(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, chest_reading(tmp_path), include_heatmaps=False)
    assert browser.value(f"{PICTURES}.length") == 1


def test_a_phone_needs_no_sideways_scrolling(tmp_path: Path) -> None:
    name = "W" * 300
    render(report_job(tmp_path, chest_reading(tmp_path, identity=Identity(patient_name=name, patient_id=name))))
    with Browser(500, 900) as phone:
        phone.call("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=1, mobile=True)
        phone.open(tmp_path / "report-1.html")
        assert phone.value("document.documentElement.scrollWidth") <= 400
        phone.call("Emulation.setDeviceMetricsOverride", width=800, height=1280, deviceScaleFactor=1, mobile=True)
        assert phone.value("document.querySelector('.who').offsetHeight") < 520, "the result stays in sight on a tablet"
        phone.value("document.querySelector('a.enlarge').click()")
        assert phone.value("document.querySelector('.viewer .stage').offsetHeight") > 800


@pytest.mark.parametrize("width", [360, 1280])
def test_the_result_stands_above_the_picture_with_a_bar_that_is_seen_and_its_thresholds(
    width: int, browser: Browser, tmp_path: Path
) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    _open(browser, tmp_path, chest_reading(tmp_path, findings=(finding("Edema", 0.6, urgent_threshold=0.7),)))
    boxes = (
        "['.gauge .ground', '.gauge .score', '.limit', '.of-urgent', 'figure'].map((one) => document.querySelector(one)"
    )
    ground, score, limit, urgent, figure = browser.value(f"{boxes}.getBoundingClientRect().toJSON())")
    browser.call("Emulation.clearDeviceMetricsOverride")
    assert ground["width"] > 150 and ground["right"] <= width
    assert limit["left"] < score["right"] < urgent["left"], "between its thresholds"
    assert ground["bottom"] < figure["top"]


def test_earlier_exams_of_the_same_patient_are_linked_and_none_are_spoken_of_where_there_are_none(
    browser: Browser, tmp_path: Path
) -> None:
    earlier = EarlierExam(
        href="../../2026-10-01/abc/report.html",
        exam=Sentence(f"CR {HOSTILE}"),
        received=Sentence("2026-10-01 09:12"),
        images=Sentence("2 images"),
    )
    imported = EarlierExam(
        href="../../2026-11-03/abd/report.html", exam=Sentence("CR CHEST"), taken=Sentence("2025-01-01"),
        received=Sentence("2026-11-03 09:12"), images=Sentence("1 image"), kind="look", urgent=True,
        headline=Sentence(f"Urgent: 1 finding needs a look: {HOSTILE}"),
    )  # fmt: skip
    _open(browser, tmp_path, unassessed_reading(), earlier_exams=(earlier, imported))
    assert browser.value("document.querySelector('.earlier a').getAttribute('href')") == earlier.href
    said = browser.value("document.querySelector('.earlier').innerText")
    assert f"received 2026-10-01 09:12: CR {HOSTILE} (2 images)" in said
    assert "2025-01-01: CR CHEST (1 image)" in said
    assert f"▲ Urgent: 1 finding needs a look: {HOSTILE}" in said
    assert "Same patient ID and date of birth." in said
    assert "Earlier exams" not in _open(browser, tmp_path, unassessed_reading())


@pytest.mark.parametrize("paper", [(8.27, 11.69), (8.5, 11)], ids=["A4", "Letter"])
def test_a_browser_prints_an_exam_of_one_film_on_one_page(
    paper: tuple[float, float], browser: Browser, tmp_path: Path
) -> None:
    manifest = load_package(SHIPPED_PACKAGES / "chest-findings").manifest
    said = {one: getattr(manifest, one) for one in ("caution", "not_covered", "intended_use")}
    findings = tuple(finding(rule.name, 0.9, urgent_threshold=0.95) for rule in manifest.finding)
    film = chest_reading(tmp_path, findings=findings, view="PA", model=CHEST_MODEL.model_copy(update=said))
    save_plain(gray_picture(1600, 1400), tmp_path / "plain-1.jpg")
    save_heatmap(gray_picture(1600, 1400), [("Edema", warm_spot(5, 1))], tmp_path / "overlay-1.jpg")
    _open(browser, tmp_path, film, exam_number="K7-42F")
    browser.value("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager' })")
    browser.wait_for("[...document.querySelectorAll('figure img')].every((image) => image.complete)")
    printed = browser.call("Page.printToPDF", paperWidth=paper[0], paperHeight=paper[1])["data"]
    assert len(re.findall(rb"/Type /Page\b", base64.b64decode(printed))) == 1
