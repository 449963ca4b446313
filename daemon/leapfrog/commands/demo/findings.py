"""Compares what the box made of the demonstration's exams with what was expected."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.uid import UID, EncapsulatedPDFStorage

from leapfrog.commands.demo.exams import DemoExam
from leapfrog.exam_number import is_exam_number

LARGEST_ERROR = 0.05  # of a head's circumference
REPORT_FILES = ("report.html", "report.pdf", "report.json")


@dataclass(frozen=True)
class Expectation:
    """Something that should hold, as a sentence, and whether it does."""

    sentence: str
    holds: bool


@dataclass(frozen=True)
class Result:
    """The result of one exam: a sentence for the table, and whether it is as expected.

    `image` is its entry in `report.json`, `report_dir` the folder of its report; None without a report.
    `exam_number` is "" where the box does not list it.
    """

    exam: DemoExam
    sop_instance_uid: str
    sentence: str
    as_expected: bool
    image: Mapping[str, Any] | None
    report_dir: Path | None
    exam_number: str = ""


def find_results(
    sent: Mapping[DemoExam, str], instances: Sequence[Mapping[str, Any]], reports_dir: Path
) -> list[Result]:
    """Find the box's instance and report for each exam. `sent` has the SOP Instance UID of each, or "" for a picture,
    which got its UID from the box.
    """
    images = dict(_images(reports_dir))
    sent_uids = {uid for uid in sent.values() if uid}
    results = []
    for exam, uid in sent.items():
        row = next((row for row in instances if _matches(row["sop_instance_uid"], uid, sent_uids)), None)
        if row is None:
            results.append(Result(exam, uid, "not in the box's list of images", False, None, None))
            continue
        image, report_dir = images.get(row["id"], (None, None))
        sentence, as_expected = _judged(exam, row, image)
        number = row["exam_number"]
        results.append(Result(exam, row["sop_instance_uid"], sentence, as_expected, image, report_dir, number))
    return results


def check_numbers(results: Sequence[Result]) -> Expectation:
    """Checks that the exams have numbers, and that the reports show them."""
    pages = [
        ((result.report_dir / "report.html").read_text(encoding="utf-8"), result.exam_number)
        for result in results
        if result.report_dir is not None
    ]
    shown = bool(pages) and all(is_exam_number(number) and number in page for page, number in pages)
    return Expectation("each report shows the number of its exam", shown)


def _matches(listed: str, uid: str, sent_uids: set[str]) -> bool:
    return listed == uid if uid else listed not in sent_uids


def _images(reports_dir: Path) -> dict[str, tuple[Mapping[str, Any], Path]]:
    images = {}
    for file in reports_dir.glob("*/*/report.json"):
        for image in json.loads(file.read_text(encoding="utf-8"))["images"]:
            images[image["instance_id"]] = (image, file.parent)
    return images


def _judged(exam: DemoExam, row: Mapping[str, Any], image: Mapping[str, Any] | None) -> tuple[str, bool]:
    if exam.expected == "set_aside":
        return f"set aside: {row['reason']}", row["state"] == "set_aside" and bool(row["reason"])
    if row["state"] != "read" or image is None:
        return f"{row['state']}: {row['reason'] or 'no report'}", False
    if exam.expected == "not_assessed":
        by_quality_check = image["quality"] is not None and not image["quality"]["acceptable"]
        return _outcome(image), image["outcome"] == "not_assessed" and by_quality_check
    if exam.true_circumference_mm is not None:
        return _measured(image, exam.true_circumference_mm)
    return _outcome(image), image["outcome"] in ("findings", "nothing_found")


def _outcome(image: Mapping[str, Any]) -> str:
    if image["outcome"] == "not_assessed":
        return f"not assessed: {image['reason']}"
    flagged = [f"{finding['name']} {finding['score']:.2f}" for finding in image["findings"] if finding["flagged"]]
    return ", ".join(flagged) or "nothing found"


def _measured(image: Mapping[str, Any], true_mm: float) -> tuple[str, bool]:
    measurements = [finding["measurement"] for finding in image["findings"] if finding["measurement"]]
    if not measurements:
        return f"not measured; {_outcome(image)}", False
    value, unit = measurements[0]["value"], measurements[0]["unit"]
    error = abs(value - true_mm) / true_mm
    sentence = f"{measurements[0]['name']} {value:.0f} {unit} (drawn with {true_mm:.0f} mm)"
    return sentence, unit == "mm" and error <= LARGEST_ERROR


def _needs_look(finding: Mapping[str, Any]) -> bool:
    """Whether it is flagged, and no outline or measurement."""
    return bool(finding["flagged"]) and finding["measurement"] is None and finding["contour"] is None


def check_reports(results: Sequence[Result], reports_dir: Path) -> list[Expectation]:
    """Checks that there is a worklist, that reports are complete, and that films with and without findings exist."""
    images = [result.image for result in results if result.image is not None]
    folders = [result.report_dir for result in results if result.report_dir is not None]
    complete = bool(folders) and all((folder / name).is_file() for folder in folders for name in REPORT_FILES)
    flagged = [image for image in images if any(map(_needs_look, image["findings"]))]
    phantoms = [image["phantom"] for image in images]
    return [
        Expectation("there is a worklist", (reports_dir / "index.html").is_file()),
        Expectation("each study has a report as a web page, PDF and JSON", complete),
        Expectation("at least one film has a finding", bool(flagged)),
        Expectation("at least one film has no finding", any(image["outcome"] == "nothing_found" for image in images)),
        Expectation("every image is marked as a phantom", bool(phantoms) and all(phantoms)),
    ]


def check_district(
    results: Sequence[Result], received: Mapping[str, UID], sent_twice: int, status: Mapping[str, Any]
) -> list[Expectation]:
    """Checks that the district has every original and every report once, and that nothing is left to send."""
    originals = {result.sop_instance_uid for result in results}
    reports = sum(sop_class == EncapsulatedPDFStorage for sop_class in received.values())
    folders = {result.report_dir for result in results if result.report_dir is not None}
    deliveries = status["deliveries"]
    return [
        Expectation(f"the district has all {len(originals)} originals", originals <= received.keys()),
        Expectation(f"the district has a report for each of the {len(folders)} studies", reports >= len(folders) > 0),
        Expectation("nothing was sent twice", sent_twice == 0),
        Expectation("nothing is left to send", deliveries["waiting"] == 0 and deliveries["refused"] == 0),
    ]
