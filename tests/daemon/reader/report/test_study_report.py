"""A rendered report is complete, self-consistent and versioned."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from leapfrog.exam import Identity, ImageReading
from leapfrog.reader.report.study_report import render
from leapfrog.worklist.publication import publish
from leapfrog.worklist.rendered_report import rendered_report
from support.readings import (
    CHEST_MODEL,
    chest_reading,
    finding,
    head_reading,
    nerve_reading,
    report_job,
    unassessed_reading,
)


def pdf_text(pdf: Path) -> str:
    """What stands in the PDF, as it is laid out."""
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, check=True, timeout=30)
    return " ".join(done.stdout.decode().split())


def _rendered(report_dir: Path, *readings: Any, **values: Any) -> dict[str, Any]:
    render(report_job(report_dir, *readings, **values))
    publish(report_dir, report_dir, values.get("version", 1))
    document: dict[str, Any] = json.loads((report_dir / "report.json").read_bytes())
    return document


def test_report_json_covers_every_finding_flagged_or_not(tmp_path: Path) -> None:
    document = _rendered(tmp_path, chest_reading(tmp_path))
    assert document["schema_version"] == 1
    [image] = document["images"]
    assert [(one["name"], one["score"], one["threshold"], one["flagged"]) for one in image["findings"]] == [
        ("Pleural effusion", 0.87, 0.41, True),
        ("Infiltration", 0.63, 0.52, True),
        ("Nodule", 0.11, 0.35, False),
    ]
    assert image["model"] == {
        "name": "chest-findings",
        "version": "0.1.0",
        "device": "cpu",
        "demonstration": True,
        "intended_use": "",
        "not_covered": [],
        "caution": "",
        "aid": "",
    }
    assert image["outcome"] == "findings"
    assert document["study"]["patient_name"] == "Okello^Grace"
    assert document["station"]["name"] == "Kitgum"


def test_report_json_has_a_polygon_for_each_part_that_is_drawn_and_its_area(tmp_path: Path) -> None:
    [image] = _rendered(tmp_path, nerve_reading(tmp_path, nerves=2, areas=(35.2, 12.3)))["images"]
    nerve, vessel = image["findings"]
    assert [len(polygon) for polygon in nerve["contour"]] == [3, 3]
    assert all(len(point) == 2 for polygon in nerve["contour"] for point in polygon)
    assert (nerve["measurement"]["value"], nerve["measurement"]["parts"]) == (47.5, [35.2, 12.3])
    assert (nerve["drawn"], vessel["drawn"], vessel["measurement"]) == ("outline", "hatched", None)
    assert (image["outcome"], image["urgent"]) == ("findings", False)
    assert image["model"]["aid"].endswith("It must not guide a needle.")


def test_report_json_says_what_was_not_looked_for_also_when_nothing_was_found(tmp_path: Path) -> None:
    model = CHEST_MODEL.model_copy(update={"not_covered": ("Pneumothorax",)})
    quiet = chest_reading(tmp_path, findings=(finding("Nodule", 0.1),), outcome="nothing_found", model=model)
    [image] = _rendered(tmp_path, quiet)["images"]
    assert (image["outcome"], image["model"]["not_covered"]) == ("nothing_found", ["Pneumothorax"])


def test_report_json_has_the_caution_of_the_package(tmp_path: Path) -> None:
    model = CHEST_MODEL.model_copy(update={"caution": "One hospital."})
    [image] = _rendered(tmp_path, chest_reading(tmp_path, model=model))["images"]
    assert image["model"]["caution"] == "One hospital."
    older = {**image, "model": {key: value for key, value in image["model"].items() if key != "caution"}}
    read = ImageReading.model_validate(older)
    assert read.model == CHEST_MODEL, "a reading of an older version has none"


def test_report_json_gives_the_view_that_a_film_was_read_as(tmp_path: Path) -> None:
    document = _rendered(tmp_path, chest_reading(tmp_path, view="AP"), unassessed_reading())
    assert [image["view"] for image in document["images"]] == ["AP", None]
    assert document["images"][0]["header"]["view"] == "PA"
    older = {key: value for key, value in document["images"][0].items() if key != "view"}
    assert ImageReading.model_validate(older).view is None, "a reading of an older version has none"


def test_report_json_calls_an_image_urgent_only_for_a_flagged_urgent_finding(tmp_path: Path) -> None:
    readings = [
        chest_reading(tmp_path, findings=(finding("Edema", 0.9, urgent=True), finding("Nodule", 0.1))),
        chest_reading(tmp_path, findings=(finding("Edema", 0.1, urgent=True), finding("Nodule", 0.9))),
        unassessed_reading(),
    ]
    document = _rendered(tmp_path, *readings)
    assert [image["urgent"] for image in document["images"]] == [True, False, False]
    assert rendered_report(tmp_path) is not None, "what was written is read again, for a journal that is made anew"


def test_report_json_gives_the_age(tmp_path: Path) -> None:
    identity = Identity(patient_age="041Y", birth_date="19840217", study_date="20261103")
    study = _rendered(tmp_path, unassessed_reading(identity=identity))["study"]
    assert (study["patient_age"], study["birth_date"], study["age_years"]) == ("041Y", "19840217", 42)
    unknown = _rendered(tmp_path, chest_reading(tmp_path, identity=Identity(), age_not_given=True), version=2)
    assert (unknown["study"]["age_years"], unknown["images"][0]["age_not_given"]) == (None, True)


def test_report_json_says_why_an_image_was_not_assessed(tmp_path: Path) -> None:
    [image] = _rendered(tmp_path, unassessed_reading())["images"]
    assert (image["outcome"], image["model"], image["findings"]) == ("not_assessed", None, [])
    assert image["reason"] == "This is a lateral view. Send a frontal film."


def test_report_json_gives_a_measurement_with_its_unit(tmp_path: Path) -> None:
    [image] = _rendered(tmp_path, head_reading(tmp_path))["images"]
    measurement = image["findings"][0]["measurement"]
    assert (measurement["value"], measurement["unit"]) == (175.0, "mm")
    assert image["frame"] == 12


def test_every_artefact_in_report_json_is_there_with_its_sha256(tmp_path: Path) -> None:
    artefacts = _rendered(tmp_path, chest_reading(tmp_path))["artefacts"]
    pictures = {"plain-1.jpg", "overlay-1.jpg", "heatmap-1-1.jpg", "heatmap-1-2.jpg"}
    assert {artefact["name"] for artefact in artefacts} == {"report.html", "report.pdf"} | pictures
    for artefact in artefacts:
        content = (tmp_path / artefact["name"]).read_bytes()
        assert artefact["sha256"] == hashlib.sha256(content).hexdigest()
        assert artefact["byte_count"] == len(content)


def test_rendering_leaves_what_is_shown_untouched(tmp_path: Path) -> None:
    _rendered(tmp_path, chest_reading(tmp_path))
    shown = (tmp_path / "report.html").read_bytes()
    result = render(report_job(tmp_path, unassessed_reading(), version=2))
    assert (tmp_path / "report.html").read_bytes() == shown
    assert {"report-2.html", "report-2.json", "report-2.pdf"} <= {artefact.name for artefact in result.artefacts}


def test_a_growing_study_is_rendered_without_a_pdf(tmp_path: Path) -> None:
    render(report_job(tmp_path, chest_reading(tmp_path), pdf=False))
    assert not list(tmp_path.glob("*.pdf"))
    assert "The PDF will be ready" in (tmp_path / "report-1.html").read_text()


def test_a_picture_that_someone_removed_costs_only_the_picture(tmp_path: Path) -> None:
    reading = chest_reading(tmp_path)
    (tmp_path / "overlay-1.jpg").unlink()
    document = _rendered(tmp_path, reading)
    assert document["images"][0]["overlay"] is None
    assert "overlay-1.jpg" not in (tmp_path / "report.html").read_text()


def test_a_study_without_a_readable_image_has_a_report_too(tmp_path: Path) -> None:
    document = _rendered(tmp_path)
    assert document["images"] == []
    assert "Not assessed" in (tmp_path / "report.html").read_text()
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_page_pdf_row_and_json_have_the_number_of_the_exam(tmp_path: Path) -> None:
    job = report_job(tmp_path, head_reading(tmp_path), exam_number="K7-42F")
    row = render(job).worklist_row
    assert row.exam_number == "K7-42F"
    assert json.loads((tmp_path / "report-1.json").read_bytes())["exam_number"] == "K7-42F"
    assert '<strong class="exam-number">K7-42F</strong>' in (tmp_path / "report-1.html").read_text(encoding="utf-8")
    if shutil.which("pdftotext"):
        assert "Exam K7-42F" in pdf_text(tmp_path / "report-1.pdf")
    again = rendered_report(tmp_path)
    assert again is not None
    assert (again.exam_number, json.loads(again.row)) == ("K7-42F", row.model_dump(mode="json"))


def test_where_there_is_no_number_nothing_stands_in_its_place(tmp_path: Path) -> None:
    render(report_job(tmp_path, head_reading(tmp_path)))
    assert 'class="exam-number"' not in (tmp_path / "report-1.html").read_text(encoding="utf-8")


def test_what_is_no_number_in_report_json_is_not_believed(tmp_path: Path) -> None:
    render(report_job(tmp_path, head_reading(tmp_path), exam_number="K7-42G"))
    again = rendered_report(tmp_path)
    assert again is not None and again.exam_number == ""
