"""What a box prints and publishes is signed, over a kill and a restore, and somebody else can check it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import dcmtk
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk
from support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="pdftoppm is not installed")
def test_another_clinic_trusts_the_sheet_and_the_report_and_goes_on_to_after_a_kill_and_a_restore(
    tmp_path: Path,
) -> None:
    films = [image.path for image in write_instances(chest_radiograph(256, 320), tmp_path / "films", 1)]
    clinic = Kiosk(tmp_path / "clinic")
    other = Kiosk(tmp_path / "other")
    stations = tmp_path / "stations"
    stations.mkdir()

    def verified(given: Path) -> dict[str, Any]:
        """What the other clinic says, where no box runs."""
        said = other.command("verify", str(given), "--stations", str(stations), "--json")
        return {**json.loads(said.stdout), "status": said.returncode}

    with clinic:
        clinic.wait_until_ready()
        (stations / "Kitgum.pem").write_text(clinic.command("station", "key").stdout)
        assert dcmtk.store(clinic.port, films).acknowledged == films
        clinic.wait_until_read(1)
        clinic.wait_until_quiet()
        (report,) = wait_until(lambda: list(clinic.reports_dir.glob("*/*/report.json")), "the report is published")
        wait_until(lambda: verified(report)["trusted"], "the report is whole")
        assert verified(report)["station"] == "Kitgum"

        sheet = tmp_path / "sheet"
        pdf = report.with_name("report.pdf")
        subprocess.run(["pdftoppm", "-r", "150", "-png", "-singlefile", "-l", "1", pdf, sheet], check=True, timeout=60)
        of_sheet = verified(sheet.with_suffix(".png"))
        (number,) = {row["exam_number"] for row in clinic.instances()}
        assert (of_sheet["status"], of_sheet["summary"]["exam_number"]) == (0, number)

        clinic.kill()
        clinic.wait_for_no_orphans()
        signature = report.with_name("report.json.sig")
        signature.write_bytes(b"")
        assert (verified(report)["status"], verified(report)["verdict"]) == (1, "foreign")
        clinic.start().wait_until_ready()
        wait_until(lambda: verified(report)["trusted"], "it is signed again")

        backup = tmp_path / "backup"
        assert clinic.command("backup", str(backup)).returncode == 0
        clinic.stop()
        shutil.rmtree(clinic.state_dir)
        assert clinic.command("restore", str(backup)).returncode == 0
        clinic.start().wait_until_ready()
        wait_until(report.exists, "the report is back")
        wait_until(lambda: verified(report)["trusted"], "and signed with the same key")


def test_a_backup_of_before_there_was_a_key_does_not_take_the_key_away(tmp_path: Path) -> None:
    box = Kiosk(tmp_path / "box")
    backup = tmp_path / "backup"
    with box:
        box.wait_until_ready()
        key = box.command("station", "key").stdout
        shutil.move(box.state_dir / "station", tmp_path / "station")
        assert box.command("backup", str(backup)).returncode == 0
        box.stop()
    shutil.copytree(tmp_path / "station", box.state_dir / "station", dirs_exist_ok=True)
    restored = box.command("restore", str(backup), "--replace")
    assert restored.returncode == 0, restored.stderr
    assert (box.state_dir / "station/key.pem").stat().st_mode & 0o777 == 0o600
    assert box.command("station", "key").stdout == key
