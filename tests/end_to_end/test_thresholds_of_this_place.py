"""A hospital judges a model on its own films, sets a threshold from that, and every report says so."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.kiosk import Kiosk
from support.made_up_hospital import write_film, write_hospital
from support.signed_packages import write_version
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SICK = HEALTHY = 104
NAME = "Dr Amina Okello"


@pytest.fixture
def box(tmp_path: Path) -> Kiosk:
    write_version(tmp_path / "packages/tiny", "1.2.3")
    watch = {"path": str(tmp_path / "box/state/inbox"), "modality": "DX", "body_part": "CHEST", "view": "PA"}
    return Kiosk(
        tmp_path / "box",
        models={"paths": [str(tmp_path / "packages")]},
        folder={"watch": [watch], "settle_seconds": 0.2},
    )


def evaluated(box: Kiosk, data: Path, out: Path) -> Any:
    done = box.command("evaluate", "tiny-chest", "--data", str(data), "--out", str(out), "--json", timeout_seconds=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lines_of(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


def killed_in_the_middle(box: Kiosk, data: Path, out: Path) -> int:
    """Returns how many films had been read."""
    command = box.command_line("evaluate", "tiny-chest", "--data", str(data), "--out", str(out))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: lines_of(out / "read.jsonl") > 8, "some films are read", deadline_seconds=300)
    finally:
        process.kill()
        process.wait()
    return lines_of(out / "read.jsonl") - 1


def read_one(box: Kiosk, film: Path, count: int) -> dict[str, Any]:
    """The report of a film that comes through the watched folder."""
    film.rename(box.inbox / film.name)
    box.wait_until_read(count)
    box.wait_until_quiet()
    wait_until(lambda: len(box.reports()) == count, "the report is published")
    return max(box.reports(), key=lambda report: report["received_at"])


def test_a_threshold_goes_from_the_hospitals_films_to_each_report_and_back(tmp_path: Path, box: Kiosk) -> None:
    data, out = write_hospital(tmp_path / "films", SICK, HEALTHY), tmp_path / "result"
    read_before = killed_in_the_middle(box, data, out)
    result = evaluated(box, data, out)
    assert read_before - 1 <= result["read_before"] < SICK + HEALTHY
    assert result["overall"]["assessed"] == SICK + HEALTHY
    bright = result["findings"][0]
    assert (bright["finding"], bright["detection"]["positives"]) == ("Bright", SICK)
    assert 0.8 < bright["detection"]["auroc"]["value"] < 1
    assert {group["kind"] for group in bright["groups"]} == {"View", "Sex", "Age", "Machine"}
    assert out.stat().st_mode & 0o777 == 0o700
    page = (out / "evaluation.html").read_text()
    assert "Missed: the finding is there" in page and "<svg" in page

    # A film that was changed is read again, the others are not.
    write_film(data / "films/000.png", 250, 1)
    assert evaluated(box, data, out)["read_before"] == SICK + HEALTHY - 1

    chosen = next(one for one in bright["candidates"] if one["aim"] == "finds 95 % of the sick")
    threshold, measured = chosen["threshold"], str(out / "evaluation.json")
    setting = ("--from", measured, "--finding", "Bright", "--threshold", str(threshold), "--by", NAME)
    said = box.command("models", "thresholds", "tiny-chest", *setting)
    assert said.returncode == 0 and "of 1,000 such patients" in said.stdout, said.stderr

    with box:
        finding = read_one(box, write_film(tmp_path / "one.png", 150, 5), 1)["images"][0]["findings"][0]
        assert (finding["threshold"], finding["set_here"]["set_by"]) == (threshold, NAME)
        assert finding["set_here"]["images"] == SICK + HEALTHY
        (page_file,) = box.reports_dir.glob("*/*/report.html")
        assert f"set here on {finding['set_here']['set_at'][:10]} from 208 images by {NAME}" in page_file.read_text()
        wait_until(
            lambda: "threshold of this place" in (box.reports_dir / "index.html").read_text(), "the list says so too"
        )
        file = box.state_dir / "station/thresholds/tiny-chest.json"
        kept = file.read_bytes()
        file.write_bytes(kept.replace(str(threshold).encode(), b"0.01"))
        attention = " ".join(problem["what"] for problem in box.status()["attention"])
        assert "was altered" in attention
        file.write_bytes(kept)
        assert box.stop() == 0

    # A new version of the model makes the threshold void, and says so until it is undone.
    write_version(tmp_path / "packages/newer", "2.0.0")
    assert "tiny-chest 2.0.0 is in use now" in box.command("doctor").stdout
    with box:
        assert any("is not used" in problem["what"] for problem in box.status()["attention"])
        finding = read_one(box, write_film(tmp_path / "two.png", 150, 6), 2)["images"][0]["findings"][0]
        assert (finding["threshold"], finding["set_here"]) == (0.6, None)
        assert box.command("models", "thresholds", "tiny-chest", "--undo").returncode == 0
        assert not any("is not used" in problem["what"] for problem in box.status()["attention"])
        assert box.stop() == 0
    refused = box.command("models", "thresholds", "tiny-chest", *setting)
    assert refused.returncode == 2 and "measured tiny-chest 1.2.3, and tiny-chest 2.0.0 is in use" in refused.stderr


def test_too_few_films_propose_no_threshold(tmp_path: Path, box: Kiosk) -> None:
    data, out = write_hospital(tmp_path / "films", 12, 11), tmp_path / "result"
    bright = evaluated(box, data, out)["findings"][0]
    assert bright["candidates"] == [] and "Here there are 12 and 11." in bright["why_no_candidates"]
    refused = box.command(
        "models", "thresholds", "tiny-chest", "--from", str(out / "evaluation.json"),
        "--finding", "Bright", "--threshold", "0.5", "--by", NAME,
    )  # fmt: skip
    assert refused.returncode == 2 and "12 and 11" in refused.stderr
