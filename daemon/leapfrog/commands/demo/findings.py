"""What became of the demonstration's exams, held against what should have."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.uid import UID, EncapsulatedPDFStorage

from leapfrog.commands.demo.exams import DemoExam

LARGEST_ERROR = 0.05  # of a head's circumference
REPORT_FILES = ("report.html", "report.pdf", "report.json")


@dataclass(frozen=True)
class Expectation:
    """Something that should hold, as a sentence, and whether it does."""

    sentence: str
    holds: bool


@dataclass(frozen=True)
class Result:
    """What the box made of one exam: a sentence for the table, and whether that was expected.

    `image` is its entry in `report.json`, `report_dir` the folder of its report; None without a report.
    """

    exam: DemoExam
    sop_instance_uid: str
    sentence: str
    as_expected: bool
    image: Mapping[str, Any] | None
    report_dir: Path | None


def find_results(
    sent: Mapping[DemoExam, str], instances: Sequence[Mapping[str, Any]], reports_dir: Path
) -> list[Result]:
    """Match what was sent with the box's list of instances and with the reports. `sent` gives the SOP Instance UID, ""
    for a picture, which got its UID in the box.
    """
    images = dict(_images(reports_dir))
    named = {uid for uid in sent.values() if uid}
    results = []
    for exam, uid in sent.items():
        row = next((row for row in instances if _is_it(row["sop_instance_uid"], uid, named)), None)
        if row is None:
            results.append(Result(exam, uid, "it is not in the box's list", False, None, None))
            continue
        image, report_dir = images.get(row["id"], (None, None))
        sentence, good = _judged(exam, row, image)
        results.append(Result(exam, row["sop_instance_uid"], sentence, good, image, report_dir))
    return results


def _is_it(listed: str, uid: str, named: set[str]) -> bool:
    return listed == uid if uid else listed not in named


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
        return f"{row['state']}: {row['reason'] or 'without a report'}", False
    if exam.expected == "not_assessed":
        by_quality_check = image["quality"] is not None and not image["quality"]["acceptable"]
        return _said(image), image["outcome"] == "not_assessed" and by_quality_check
    if exam.true_circumference_mm is not None:
        return _measured(image, exam.true_circumference_mm)
    return _said(image), image["outcome"] in ("findings", "nothing_found")


def _said(image: Mapping[str, Any]) -> str:
    if image["outcome"] == "not_assessed":
        return f"not assessed: {image['reason']}"
    flagged = [f"{finding['name']} {finding['score']:.2f}" for finding in image["findings"] if finding["flagged"]]
    return ", ".join(flagged) or "nothing found"


def _measured(image: Mapping[str, Any], true_mm: float) -> tuple[str, bool]:
    measurements = [finding["measurement"] for finding in image["findings"] if finding["measurement"]]
    if not measurements:
        return f"not measured; {_said(image)}", False
    value, unit = measurements[0]["value"], measurements[0]["unit"]
    error = abs(value - true_mm) / true_mm
    sentence = f"{measurements[0]['name']} {value:.0f} {unit} (drawn with {true_mm:.0f} mm)"
    return sentence, unit == "mm" and error <= LARGEST_ERROR


def check_reports(results: Sequence[Result], reports_dir: Path) -> list[Expectation]:
    """Whether there are a worklist and whole reports, with a finding, its heat map and an unremarkable film."""
    images = [result.image for result in results if result.image is not None]
    folders = [result.report_dir for result in results if result.report_dir is not None]
    whole = bool(folders) and all((folder / name).is_file() for folder in folders for name in REPORT_FILES)
    with_map = [image for image in images if image["outcome"] == "findings" and image["heatmaps"]]
    phantoms = [image["phantom"] for image in images]
    return [
        Expectation("the worklist is there", (reports_dir / "index.html").is_file()),
        Expectation("each study has its report as a page, a PDF and for programs", whole),
        Expectation("a film has a finding with a heat map", bool(with_map)),
        Expectation("a film has no finding", any(image["outcome"] == "nothing_found" for image in images)),
        Expectation("each report says that it is of a phantom", bool(phantoms) and all(phantoms)),
    ]


def check_district(
    results: Sequence[Result], received: Mapping[str, UID], sent_twice: int, status: Mapping[str, Any]
) -> list[Expectation]:
    """Whether the district holds each original and each report, each once, and nothing is owed any more."""
    originals = {result.sop_instance_uid for result in results}
    reports = sum(sop_class == EncapsulatedPDFStorage for sop_class in received.values())
    folders = {result.report_dir for result in results if result.report_dir is not None}
    deliveries = status["deliveries"]
    return [
        Expectation(f"the district holds all {len(originals)} originals", originals <= received.keys()),
        Expectation(f"the district holds a report of each of the {len(folders)} studies", reports >= len(folders) > 0),
        Expectation("nothing was sent twice", sent_twice == 0),
        Expectation("nothing is owed any more", deliveries["waiting"] == 0 and deliveries["refused"] == 0),
    ]
