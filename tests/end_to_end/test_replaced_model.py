"""A new model comes onto a box that has read exams: each of them says so until it is read again."""

from pathlib import Path

import pytest

from support.dcmtk import store
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.tiny_models import CLASSIFIER, classifier_content, write_package
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TAG = "read by a replaced model"
REMEDY = "leapfrog reread"


def shown(kiosk: Kiosk) -> tuple[bool, bool, int]:
    """Whether the worklist and the page of the one exam say that its model was replaced, and the report's version."""
    (page,) = kiosk.reports_dir.glob("*/*/report.html")
    ((version,),) = kiosk.rows("SELECT published_version FROM studies")
    listed = (kiosk.reports_dir / "index.html").read_text(encoding="utf-8")
    return TAG in listed, REMEDY in page.read_text(encoding="utf-8"), version


def test_an_exam_says_that_its_model_was_replaced_until_it_is_read_again(tmp_path: Path) -> None:
    films = write_instances(chest_radiograph(), tmp_path / "films", 1)
    newer = CLASSIFIER.replace("tiny-chest", "chest-findings").replace("1.2.3", "99.0")
    package = write_package(tmp_path / "newer", newer, classifier_content())
    with Kiosk(tmp_path / "box", report={"quiet_seconds": 0.2}) as kiosk:
        assert store(kiosk.port, [film.path for film in films]).succeeded
        kiosk.wait_until_quiet()
        wait_until(lambda: shown(kiosk)[2] > 0, "the report is published")
        assert shown(kiosk)[:2] == (False, False)
        before = kiosk.reports()[0]
        assert kiosk.command("models", "install", str(package)).returncode == 0
        assert kiosk.stop() == 0

        kiosk.start()
        wait_until(lambda: shown(kiosk)[:2] == (True, True), "worklist and page say so")
        marked = kiosk.reports()[0]
        assert marked["version"] == before["version"] + 1
        assert marked["images"] == before["images"]
        assert kiosk.command("reread", marked["study_key"]).returncode == 0
        wait_until(lambda: shown(kiosk)[:2] == (False, False), "neither says so any more")
        kiosk.wait_until_quiet()
        assert kiosk.reports()[0]["images"][0]["model"]["version"] == "99.0"
        assert kiosk.stop() == 0
