"""A stick that is carried between a clinic and its district: a file system of its own, mounted here or there."""

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from support.disk_image import DiskImage
from support.district import District

PLACE = "/media/stick"  # in the district's machine


class Stick:
    """An ext4 in a file. It is mounted at one place at a time; `folder` is where the clinic sees it."""

    def __init__(self, image: Path, folder: Path, district: District, mebibytes: int) -> None:
        """Needs root and loop devices, as `DiskImage.possible` tells."""
        self.folder = folder
        self._disk = DiskImage(image, folder, mebibytes)
        self._district = district
        self._device = _output("losetup", "--find", "--show", str(image))
        number = Path(self._device).stat().st_rdev
        district.do("mkdir", "-p", PLACE)
        district.do("mknod", self._device, "b", str(os.major(number)), str(os.minor(number)))
        self._at_clinic = self._at_district = False

    def plug_in_at_clinic(self) -> None:
        """Mount it at `folder`."""
        _output("mount", self._device, str(self.folder))
        self._at_clinic = True

    def pull_out_of_clinic(self) -> None:
        """Without a word: what is not on the medium yet will never be."""
        self._disk.cut()
        self.take_from_clinic()

    def take_from_clinic(self) -> None:
        """Unmount it there."""
        self._disk.unmount()
        self._at_clinic = False

    def plug_in_at_district(self) -> None:
        """Mount it at `PLACE` in the district's machine."""
        self._district.do("mount", self._device, PLACE)
        self._at_district = True

    def take_from_district(self) -> None:
        """Unmount it there."""
        self._district.do("umount", PLACE)
        self._at_district = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._at_clinic:
            _output("umount", "--lazy", str(self.folder))
        if self._at_district:
            self._district.run("umount", "--lazy", PLACE)
        _output("losetup", "--detach", self._device)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
