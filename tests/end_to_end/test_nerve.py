"""An ultrasound of nerves from the machine to what staff see: drawn as an aid, never flagged, read by one model."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.dcmtk import store
from support.films import head_frame, nerve_frame, write_cine
from support.kiosk import Kiosk
from support.tiny_models import write_nerve_and_vessel, write_segmenter
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AID = "An aid for finding a nerve, no diagnosis. It must not guide a needle."
CAUTION = "of ten nerves it outlines, about three are none."
DRAWN = "Nerve outlined, vessel hatched (aid, no diagnosis)"
NOTHING = "No nerve outlined: there may still be one"


def _box(directory: Path) -> Kiosk:
    write_nerve_and_vessel(directory / "packages")
    write_segmenter(directory / "packages")
    return Kiosk(directory / "box", models={"paths": [str(directory / "packages")]})


def _models(report: dict[str, Any]) -> set[str]:
    return {image["model"]["name"] for image in report["images"] if image["model"]}


def test_a_nerve_sent_to_the_box_is_shown_as_an_aid_on_page_and_list(tmp_path: Path) -> None:
    frames = {"NERVE": nerve_frame(), "VESSEL": nerve_frame(nerve=False), "HEAD": head_frame()}
    parts = {"NERVE": "NERVE", "VESSEL": "NERVE", "HEAD": "FETUS"}
    files = [
        write_cine(tmp_path / f"{name}.dcm", [frame], PatientID=name, BodyPartExamined=parts[name])
        for name, frame in frames.items()
    ]
    with _box(tmp_path) as kiosk:
        assert store(kiosk.port, files).succeeded
        kiosk.wait_until_read(len(files))
        wait_until(lambda: len(kiosk.reports()) == len(files), "every report is there")
        reports = {one["study"]["patient_id"]: one for one in kiosk.reports()}
        pages = {
            name: next(kiosk.reports_dir.glob(f"*/{report['study_key']}/report.html")).read_text()
            for name, report in reports.items()
        }
        wait_until(lambda: (kiosk.reports_dir / "index.html").read_text().count("<tr class=") == 3, "the list has all")
        index = (kiosk.reports_dir / "index.html").read_text()
    assert {name: _models(report) for name, report in reports.items()} == {
        "NERVE": {"tiny-nerve"},
        "VESSEL": {"tiny-nerve"},
        "HEAD": {"tiny-head"},
    }
    (nerve, vessel) = reports["NERVE"]["images"][0]["findings"]
    assert [len(one["contour"]) for one in (nerve, vessel)] == [1, 1]
    assert (nerve["drawn"], vessel["drawn"]) == ("outline", "hatched")
    assert reports["VESSEL"]["images"][0]["outcome"] == "nothing_found"
    for name, headline in (("NERVE", DRAWN), ("VESSEL", NOTHING)):
        assert reports[name]["images"][0]["model"]["aid"] == AID
        assert not reports[name]["images"][0]["urgent"]
        for said in (headline, AID, f"Caution: {CAUTION}"):
            assert said in pages[name]
        assert headline in index
        assert AID in index
        assert '<header class="headline look"' not in pages[name]
    rows = re.sub(r"<script.*?</script>", "", index, flags=re.DOTALL)
    assert rows.count(f"Caution with exams that tiny-nerve read: {CAUTION}") == 1
    assert AID not in pages["HEAD"]
    assert '<tr class="look' not in index


def test_read_draws_every_part_and_says_why_there_is_no_area(tmp_path: Path) -> None:
    frame = nerve_frame()
    frame[20:50, 200:280] = 240
    Image.fromarray(frame).save(tmp_path / "scan.png")
    kiosk, out = _box(tmp_path), tmp_path / "out"
    done = kiosk.command(
        "read", str(tmp_path / "scan.png"), "--out", str(out), "--modality", "US", "--body-part", "NERVE"
    )
    assert done.returncode == 0, done.stderr
    assert DRAWN in " ".join(done.stdout.split()), "in lines as wide as the terminal"
    [folder] = [path.parent for path in out.glob("*/report.json")]
    [image] = json.loads((folder / "report.json").read_text())["images"]
    nerve, vessel = image["findings"]
    assert (len(nerve["contour"]), len(vessel["contour"])) == (2, 1)
    assert (nerve["measurement"], vessel["measurement"]) == (None, None)
    assert "does not say how large its pixels are" in image["reason"]
    assert "mm²" not in (folder / "report.html").read_text()
    assert (folder / image["overlay"]).exists()
    assert (folder / "report.pdf").stat().st_size > 0
