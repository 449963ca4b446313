"""Smaller copies of originals, in a whole box: a film on its way to the district, and what all real images give."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless

from support import dcmtk
from support.exams import chest_radiograph
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.owed import part10_bytes
from support.waiting import wait_until

TESTS = Path(__file__).parent.parent


def test_a_film_reaches_the_district_smaller_and_shows_the_same(tmp_path: Path) -> None:
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    film = chest_radiograph(1024, 1250)
    path = tmp_path / "film.dcm"
    path.write_bytes(part10_bytes(film))
    with Orthanc(tmp_path / "district") as district:
        with Kiosk(tmp_path / "box", district={"url": district.dicomweb_url}) as kiosk:
            assert dcmtk.send(kiosk.port, [path]).succeeded
            kiosk.wait_until_quiet()
            wait_until(lambda: not kiosk.status()["deliveries"]["waiting"], "all is sent", deadline_seconds=90)
        held = dcmread(io.BytesIO(district.file(str(film.SOPInstanceUID))))
    assert held.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert (held.pixel_array == film.pixel_array).all()
    assert held.PatientName == film.PatientName


def test_the_table_of_all_real_images_is_made(shared_data: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "compression", "--shared", str(shared_data), "--most", "2", "--out", str(table)]
    environment = {**os.environ, "PYTHONPATH": path}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "| DX | 2 | 2 |" in table.read_text()
    assert "chest films of adults" in table.read_text()
