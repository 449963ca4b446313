"""When the demonstration counts a result as expected."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import UID, ComputedRadiographyImageStorage, EncapsulatedPDFStorage

from leapfrog.commands.demo.exams import DemoExam, Expected, SentFile
from leapfrog.commands.demo.findings import Result, check_district, check_numbers, check_reports, find_results


def _exam(expected: Expected, true_mm: float | None = None) -> DemoExam:
    return DemoExam("a phantom", "DICOM", lambda: SentFile("", "", b""), expected, true_mm)


def _row(number: str, state: str = "read", reason: str = "") -> dict[str, Any]:
    uid = f"2.25.{number}"
    return {"id": number, "exam_number": "K7-42F", "sop_instance_uid": uid, "state": state, "reason": reason}


def _image(number: str, outcome: str = "nothing_found", **changes: Any) -> dict[str, Any]:
    image = {"instance_id": number, "outcome": outcome, "reason": "", "findings": [], "phantom": True}
    return {**image, "quality": {"acceptable": True}, **changes}


def _finding(**changes: Any) -> dict[str, Any]:
    return {"name": "Edema", "score": 0.9, "flagged": True, "measurement": None, "contour": None, **changes}


def _write_report(reports: Path, *images: dict[str, Any]) -> None:
    for image in images:
        folder = reports / "2026-01-01" / image["instance_id"]
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(json.dumps({"images": [image]}))
        for name in ("report.html", "report.pdf"):
            (folder / name).write_text("x")


@pytest.mark.parametrize(
    ("expected", "row", "image", "good"),
    [
        ("assessed", _row("1"), _image("1"), True),
        ("assessed", _row("1"), _image("1", "findings", findings=[_finding()]), True),
        ("assessed", _row("1"), _image("1", "not_assessed"), False),
        ("assessed", _row("1", "set_aside", "damaged"), None, False),
        ("set_aside", _row("1", "set_aside", "damaged"), None, True),
        ("set_aside", _row("1", "set_aside"), None, False),
        ("set_aside", _row("1"), _image("1"), False),
        ("not_assessed", _row("1"), _image("1", "not_assessed", reason="why", quality={"acceptable": False}), True),
        ("not_assessed", _row("1"), _image("1", "not_assessed", reason="no model", quality=None), False),
        ("not_assessed", _row("1"), _image("1"), False),
    ],
)
def test_an_exam_is_as_expected_only_with_the_right_state_and_outcome(
    tmp_path: Path, expected: Expected, row: dict[str, Any], image: dict[str, Any] | None, good: bool
) -> None:
    if image is not None:
        _write_report(tmp_path, image)
    (result,) = find_results({_exam(expected): "2.25.1"}, [row], tmp_path)
    assert result.as_expected is good


@pytest.mark.parametrize(
    ("value", "unit", "good"), [(274.0, "mm", True), (262.0, "mm", True), (250.0, "mm", False), (274.0, "px", False)]
)
def test_a_head_must_measure_what_was_drawn_within_five_percent(
    tmp_path: Path, value: float, unit: str, good: bool
) -> None:
    measurement = {"name": "Head circumference", "value": value, "unit": unit}
    _write_report(tmp_path, _image("1", "findings", findings=[_finding(measurement=measurement)]))
    (result,) = find_results({_exam("measured", 274.4): "2.25.1"}, [_row("1")], tmp_path)
    assert result.as_expected is good


def test_a_picture_is_matched_with_the_instance_whose_uid_was_not_sent(tmp_path: Path) -> None:
    _write_report(tmp_path, _image("1"), _image("2", "findings", findings=[_finding()]))
    named, picture = find_results(
        {_exam("assessed"): "2.25.1", _exam("assessed"): ""}, [_row("2"), _row("1")], tmp_path
    )
    assert (named.sop_instance_uid, picture.sop_instance_uid) == ("2.25.1", "2.25.2")
    assert picture.sentence == "Edema 0.90"


def test_an_exam_that_the_box_does_not_list_is_not_as_expected(tmp_path: Path) -> None:
    (result,) = find_results({_exam("assessed"): "2.25.9"}, [_row("1")], tmp_path)
    assert not result.as_expected


def test_the_checks_hold_only_with_every_report_file_and_each_kind_of_result(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x")
    with_finding = _image("1", "findings", findings=[_finding()])
    _write_report(tmp_path, with_finding, _image("2"))
    exams = {_exam("assessed"): "2.25.1", _exam("assessed"): "2.25.2"}
    results = find_results(exams, [_row("1"), _row("2")], tmp_path)
    assert all(check.holds for check in check_reports(results, tmp_path))
    (tmp_path / "2026-01-01" / "2" / "report.pdf").unlink()
    assert [check.sentence for check in check_reports(results, tmp_path) if not check.holds] == [
        "each study has a report as a web page, PDF and JSON"
    ]
    assert sum(not check.holds for check in check_reports(results[1:], tmp_path)) == 2


def test_the_district_must_hold_everything_once(tmp_path: Path) -> None:
    _write_report(tmp_path, _image("1"))
    results = find_results({_exam("assessed"): "2.25.1"}, [_row("1")], tmp_path)
    received: dict[str, UID] = {"2.25.1": ComputedRadiographyImageStorage, "2.25.5": EncapsulatedPDFStorage}
    settled = {"deliveries": {"waiting": 0, "refused": 0, "confirmed": 2}}
    assert all(check.holds for check in check_district(results, received, 0, settled))
    assert not all(check.holds for check in check_district(results, received, 1, settled))
    assert not all(check.holds for check in check_district(results, {"2.25.1": received["2.25.1"]}, 0, settled))
    assert not all(check.holds for check in check_district(results, {"2.25.5": received["2.25.5"]}, 0, settled))
    owed = {"deliveries": {"waiting": 1, "refused": 0, "confirmed": 1}}
    assert not all(check.holds for check in check_district(results, received, 0, owed))


def test_each_report_must_show_the_number_of_its_exam(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = Result(_exam("assessed"), "2.25.1", "nothing found", True, None, tmp_path, "K7-42F")
    for text, number, holds in (("Exam K7-42F", "K7-42F", True), ("Exam K7-42F", "", False), ("Exam", "K7-42F", False)):
        page.write_text(text, encoding="utf-8")
        assert check_numbers([replace(result, exam_number=number)]).holds is holds
    assert not check_numbers([]).holds
