"""The whole box as a clinic sees it: an exam comes in, its report is there in seconds, the district has it later."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import dcmtk
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.same_object import same_object
from support.waiting import wait_until

REPORT_SECONDS = 20.0  # a machine that runs other tests meanwhile is slow; tests/benchmarks measures


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Orthanc]:
    """A district server that does not run yet."""
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    server = Orthanc(tmp_path / "orthanc")
    yield server
    server.stop()


def test_a_study_has_its_report_in_seconds_and_is_at_a_district_that_starts_late(
    tmp_path: Path, district: Orthanc
) -> None:
    images = write_instances(chest_radiograph(), tmp_path / "exam", 2)
    with Kiosk(tmp_path / "kiosk", district={"url": district.dicomweb_url}) as kiosk:
        assert dcmtk.store(kiosk.port, [image.path for image in images]).statuses == ["Success", "Success"]
        began = time.monotonic()
        (report_file,) = wait_until(
            lambda: list(kiosk.reports_dir.glob("*/*/report.json")), "a report", deadline_seconds=REPORT_SECONDS
        )
        took = time.monotonic() - began
        assert took < REPORT_SECONDS

        kiosk.wait_until_read(2)
        report = wait_until(
            lambda: [found for found in kiosk.reports() if len(found["images"]) == 2], "a report of both images"
        )[0]
        assert {image["sop_instance_uid"] for image in report["images"]} == {image.sop_instance_uid for image in images}
        folder = report_file.parent
        wait_until((folder / "report.pdf").is_file, "the PDF of the last version")
        assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
        link = f"{folder.parent.name}/{folder.name}/report.html"
        wait_until(lambda: link in (kiosk.reports_dir / "index.html").read_text(encoding="utf-8"), "it in the list")

        kiosk.wait_until_quiet()
        status = wait_until(
            lambda: found if (found := kiosk.status())["outbox"]["link"] == "down" else None,
            "the link is known to be down",
        )
        assert status["deliveries"]["waiting"] >= 3  # two originals and the report, and what overlays there are
        assert status["deliveries"]["confirmed"] == 0
        assert status["oldest_owed_seconds"] is not None

        district.start()
        kiosk.command_json("sync")
        wait_until(
            lambda: kiosk.status()["deliveries"]["waiting"] == 0, "nothing is owed any more", deadline_seconds=60
        )
        confirmed = kiosk.status()["deliveries"]["confirmed"]
        held = district.held()
        assert {image.sop_instance_uid for image in images} <= set(held)
        assert set(held.values()) == {1}
        assert len(held) == confirmed == status["deliveries"]["waiting"]
        for image in images:
            assert same_object(district.file(image.sop_instance_uid), image.path.read_bytes())
        assert kiosk.stop() == 0
    assert "Traceback" not in kiosk.log()


def test_nothing_of_a_patient_is_in_the_log_or_in_a_path(tmp_path: Path) -> None:
    image = chest_radiograph(600, 500)
    image.PatientName, image.PatientID = "Geheim^Person", "SECRET-ID-77"
    made = write_instances(image, tmp_path / "exam", 3)
    with Kiosk(tmp_path / "kiosk") as kiosk:
        assert dcmtk.store(kiosk.port, [one.path for one in made]).succeeded
        kiosk.wait_until_read(3)
        wait_until(lambda: [found for found in kiosk.reports() if len(found["images"]) == 3], "the report")
        assert "Geheim" in (next(kiosk.reports_dir.glob("*/*/report.html"))).read_text(encoding="utf-8")
        kiosk.stop()
        names = "\n".join(str(path) for path in kiosk.state_dir.rglob("*"))
        for secret in ("Geheim", "SECRET-ID-77", made[0].sop_instance_uid, str(image.StudyInstanceUID)):
            assert secret not in kiosk.log()
            assert secret not in names


def test_a_restart_picks_up_exactly_where_it_was(tmp_path: Path) -> None:
    made = write_instances(chest_radiograph(600, 500), tmp_path / "exam", 12, studies=3)
    with Kiosk(tmp_path / "kiosk") as kiosk:
        assert dcmtk.store(kiosk.port, [one.path for one in made]).succeeded
        assert kiosk.stop() == 0
        known = {row["id"] for row in kiosk.command_json("instances")}
        assert len(known) == 12
        kiosk.start()
        counts = kiosk.wait_until_read(12)
        assert counts["set_aside"] == 0
        assert {row["id"] for row in kiosk.instances()} == known
        wait_until(lambda: sum(len(found["images"]) for found in kiosk.reports()) == 12, "every image is reported")


def test_a_second_daemon_on_the_same_state_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with Kiosk(tmp_path / "kiosk") as kiosk:
        done = kiosk.command("run")
        assert done.returncode == 1
        assert re.search(rf"process id {kiosk.process.pid}\b", done.stderr)
        assert "Traceback" not in done.stderr
        assert kiosk.status()["listening"]


def test_a_port_in_use_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with Kiosk(tmp_path / "one") as one:
        other = Kiosk(tmp_path / "other", dicom={"host": "127.0.0.1", "port": one.port})
        done = other.command("run")
        assert done.returncode == 1
        assert str(one.port) in done.stderr
        assert "Traceback" not in done.stderr
        other.wait_for_no_orphans()


def test_the_list_says_soon_after_a_start_that_the_box_receives(tmp_path: Path) -> None:
    with Kiosk(tmp_path / "kiosk") as kiosk:
        index = kiosk.reports_dir / "index.html"
        wait_until(
            lambda: index.exists() and "Taking exams" in index.read_text(encoding="utf-8"), "that it takes exams"
        )
        assert "No daemon is running" not in index.read_text(encoding="utf-8")
