"""When the disk of the state directory fails, the box ends with one clear line; so does each start until it is back."""

import shutil
from pathlib import Path

import pytest

from support.dcmtk import store
from support.disk_image import DiskImage
from support.exams import chest_radiograph, write_instances
from support.kiosk import Kiosk

pytestmark = pytest.mark.root

ENDS_SECONDS = 60.0


def test_a_failing_disk_ends_the_box_with_one_clear_line(tmp_path: Path) -> None:
    first, second = (instance.path for instance in write_instances(chest_radiograph(64, 64), tmp_path / "films", 2))
    if not DiskImage.possible(tmp_path):
        pytest.skip("this user or machine does not mount files")
    with DiskImage(tmp_path / "disk.img", tmp_path / "disk", 64) as disk:
        kiosk = Kiosk(tmp_path / "kiosk", station={"state_dir": str(disk.folder / "state")})
        with kiosk:
            assert store(kiosk.port, [first]).acknowledged == [first]
            disk.fail()
            assert store(kiosk.port, [second]).acknowledged == [], "nothing is acknowledged that is not on the disk"
            assert kiosk.process.wait(ENDS_SECONDS) == 1
        errors = [line for line in kiosk.log().splitlines() if " ERROR leapfrog.service: " in line]
        assert len(errors) == 1, kiosk.log()
        assert "Check the disk of the state directory: that it is connected" in errors[0]
        assert "Traceback" not in kiosk.log()

        again = kiosk.command("run")
        assert (again.returncode, again.stdout) == (1, "")
        (sentence,) = [line for line in again.stderr.splitlines() if " WARNING " not in line]
        assert sentence.startswith("leapfrog: ")
        assert "mounted for writing" in sentence
    shutil.rmtree(tmp_path / "kiosk")
