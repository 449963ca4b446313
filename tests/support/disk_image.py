"""A disk of a test's own: an ext4 file system in a file, whose power can be cut.

A cut is the kernel's own shutdown of the file system (EXT4_IOC_SHUTDOWN without a flush of its journal): from that
moment on nothing reaches the disk, neither what is still in the page cache nor what the journal has not committed. What
the disk holds then is what a power cut leaves, and the next mount replays it as after one.
"""

import contextlib
import fcntl
import os
import struct
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from support.waiting import wait_until

EXT4_IOC_SHUTDOWN = 0x8004587D  # fs/ext4/ext4.h: _IOR('X', 125, __u32)
WITHOUT_LOG_FLUSH = 2
UNMOUNT_SECONDS = 20.0


class DiskImage:
    """One file system, mounted at `folder`. Needs root and loop devices."""

    def __init__(self, image: Path, folder: Path, mebibytes: int = 256) -> None:
        """Make it, not yet mounted. Raises subprocess.CalledProcessError where that is impossible."""
        self.folder = folder
        self._image = image
        folder.mkdir(parents=True, exist_ok=True)
        with image.open("wb") as stream:
            stream.truncate(mebibytes << 20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))

    @staticmethod
    def possible(directory: Path) -> bool:
        """Whether this user and machine can mount one; tried in `directory`."""
        if os.geteuid() != 0:
            return False
        try:
            with DiskImage(directory / "probe.img", directory / "probe", 8):
                pass
        except (OSError, subprocess.CalledProcessError):
            return False
        (directory / "probe.img").unlink()
        (directory / "probe").rmdir()
        return True

    def mount(self) -> Self:
        """Mount it, replaying its journal after a cut."""
        _run("mount", "-o", "loop", str(self._image), str(self.folder))
        return self

    def cut(self) -> None:
        """Cut its power. Whoever has it open gets EIO; it stays mounted until `unmount`."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def fail(self) -> None:
        """Have every later write fail, as after an error of the disk (mount option abort)."""
        _run("mount", "-o", "remount,abort", str(self.folder))

    def unmount(self) -> None:
        """Unmount it; waits for those who still have files open to end."""
        wait_until(self._unmounted, f"{self.folder.name} can be unmounted", deadline_seconds=UNMOUNT_SECONDS)

    def _unmounted(self) -> bool:
        return subprocess.run(["umount", str(self.folder)], capture_output=True, check=False).returncode == 0

    def read_only(self, on: bool) -> None:
        """Turn it read-only, or back; the first waits for those who have a file open to write."""
        wait_until(lambda: self._remounted("ro" if on else "rw"), f"{self.folder.name} is mounted otherwise")

    def _remounted(self, how: str) -> bool:
        command = ["mount", "-o", f"remount,{how}", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self) -> Path:
        """Fill it to the last block. Returns the file that does, which makes room when it is removed."""
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while True:
                stream.write(bytes(4096))
        return filler

    def check(self) -> str:
        """What e2fsck finds wrong once the journal is replayed, as a start does; "" when that is nothing."""
        subprocess.run(["e2fsck", "-p", str(self._image)], capture_output=True, check=False)
        done = subprocess.run(["e2fsck", "-n", "-f", str(self._image)], capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout

    def __enter__(self) -> Self:
        return self.mount()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unmount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
