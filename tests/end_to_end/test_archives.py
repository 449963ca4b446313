"""A box that sends to archives by DICOM: one promises what it keeps, and one takes only the oldest encoding."""

from collections import Counter
from pathlib import Path

import pytest

from support import dcmtk
from support.archives import store_scp
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.waiting import wait_until


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
def test_an_exam_and_its_results_are_once_at_each_archive_and_promised_where_that_is_asked(tmp_path: Path) -> None:
    images = write_instances(chest_radiograph(), tmp_path / "exam", 1)
    with Orthanc(tmp_path / "orthanc") as orthanc, store_scp(tmp_path / "plain", "+xi", "--fork") as plain:
        by_dicom = {"kind": "dicom", "host": "127.0.0.1"}
        destinations = (
            {"name": "promises", "port": orthanc.dicom_port, "ae_title": "DISTRICT", "commit": True, **by_dicom},
            {"name": "plain", "port": plain.port, "ae_title": "PLAIN", "send": ["original", "report_pdf"], **by_dicom},
        )
        with Kiosk(tmp_path / "kiosk", destination=destinations) as kiosk:
            orthanc.know("box", "LEAPFROG", kiosk.port)
            assert dcmtk.store(kiosk.port, [image.path for image in images]).statuses == ["Success"]
            kiosk.wait_until_read(1)
            kiosk.wait_until_quiet()
            wait_until(
                lambda: kiosk.status()["deliveries"]["waiting"] == 0, "nothing is owed any more", deadline_seconds=60
            )
            rows = kiosk.rows("SELECT destination, sop_instance_uid FROM deliveries WHERE state = 'confirmed'")
            owed = {name: Counter(uid for destination, uid in rows if destination == name) for name, _ in rows}
            assert orthanc.held() == owed["promises"]
            assert plain.held() == owed["plain"]
            assert {image.sop_instance_uid for image in images} <= set(owed["promises"]) & set(owed["plain"])
            assert len(owed["promises"]) > len(owed["plain"]) == 2
            found = kiosk.command_json("doctor")
            archives = [check for check in found["checks"] if check["name"].startswith("archive ")]
            assert {check["status"] for check in archives} == {"ok"}, archives
            assert kiosk.stop() == 0
        assert "Traceback" not in kiosk.log()
