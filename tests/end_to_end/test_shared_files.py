"""Every real file, however odd or broken, ends with a fate and a reason that a person understands."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from support.kiosk import Kiosk
from support.waiting import wait_until

DEADLINE_SECONDS = 280.0  # files that end early or in zeros must rest for a minute
FOLDER = {"settle_seconds": 0.2, "rescan_seconds": 1.0}
NOT_FOR_PEOPLE = ("Traceback", "Error(", "Exception", "errno", "0x", "<class", "None", "pydicom", "gdcm", "numpy")


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_every_real_file_is_read_forwarded_or_set_aside_with_a_reason(tmp_path: Path, shared_data: Path) -> None:
    files = sorted(path for path in (shared_data / "dicom").rglob("*") if path.is_file())
    files += sorted((shared_data / "cases").rglob("*.dcm"))
    assert len(files) > 100
    with Kiosk(tmp_path / "kiosk", folder=FOLDER) as kiosk:
        for number, path in enumerate(files):  # each in a folder of its own, since some share a name
            folder = kiosk.inbox / f"{number:03d}"
            folder.mkdir()
            shutil.copyfile(path, folder / path.name)
        pid = kiosk.process.pid

        def settled() -> dict[str, Any]:
            status = kiosk.status()
            ((taken,),) = kiosk.rows("SELECT count(*) FROM folder_files")
            is_all = taken + status["ignored_files"] == len(files)
            return status if is_all and not status["instances"]["received"] else {}

        wait_until(settled, "every file has a fate", deadline_seconds=DEADLINE_SECONDS, poll_seconds=0.5)
        same = {one for (one,) in kiosk.rows("SELECT id FROM instances WHERE same_as IS NOT NULL")}
        rows = [row for row in kiosk.instances() if row["id"] not in same]  # an image that came twice is in one report
        _wait_for_all_reports(kiosk, len(rows))
        images = {image["instance_id"]: image for report in kiosk.reports() for image in report["images"]}
        assert kiosk.process.poll() is None
        assert kiosk.process.pid == pid
        assert kiosk.stop() == 0
    assert "Traceback" not in kiosk.log()

    assert {row["state"] for row in rows} == {"read", "forward_only", "set_aside"}
    assert set(images) == {row["id"] for row in rows}
    for row in rows:
        image = images[row["id"]]
        reason = row["reason"] or image["reason"]
        if row["state"] != "read" or image["outcome"] == "not_assessed":
            assert _is_for_people(reason), (row["source"], row["state"], reason)
        if row["state"] == "set_aside":
            assert image["findings"] == []
            assert row["attempts"] == 0, "a damaged file is recognised, it does not kill readers"


def _wait_for_all_reports(kiosk: Kiosk, count: int) -> None:
    wait_until(
        lambda: sum(len(report["images"]) for report in kiosk.reports()) == count,
        "every instance is in a report",
        deadline_seconds=60,
        poll_seconds=0.5,
    )


def _is_for_people(reason: str) -> bool:
    return len(reason) > 15 and reason.rstrip().endswith(".") and not any(word in reason for word in NOT_FOR_PEOPLE)
