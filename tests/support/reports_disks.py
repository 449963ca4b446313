"""Disks for reports that fill up, turn read-only, go away or hang: a tmpfs, and a FUSE file system."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.waiting import wait_until

needs_mounts = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root"),
]
needs_bindfs = pytest.mark.skipif(shutil.which("bindfs") is None, reason="bindfs is not installed")


class SmallDisk:
    """A tmpfs on a folder."""

    def __init__(self, folder: Path, size: str = "8m") -> None:
        """Nothing is mounted yet. `size` as mount(8) takes it."""
        self.folder = folder
        self._size = size

    def mount(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self._size}", "reports-test", str(self.folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if mounted.returncode:
            pytest.skip(f"this machine does not mount tmpfs: {mounted.stderr.strip()}")

    def unmount(self) -> None:
        _run("umount", str(self.folder))

    def read_only(self, on: bool) -> None:
        _run("mount", "-o", f"remount,{'ro' if on else 'rw'}", str(self.folder))

    def fill(self) -> None:
        # Unbuffered: what a failed write left in a buffer would be written, and fail, once more at the end.
        with (self.folder / "filler").open("wb", 0) as stream, pytest.raises(OSError, match="No space left"):
            while stream.write(bytes(65536)):
                pass

    def make_room(self) -> None:
        (self.folder / "filler").unlink()


@contextmanager
def small_disk(folder: Path, size: str = "8m") -> Iterator[SmallDisk]:
    disk = SmallDisk(folder, size)
    disk.mount()
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


class Share:
    """A FUSE file system over another folder, like a network share: its server can be stopped, and goes on later.

    There are two servers, one over the other, and the far one is stopped. So the near one has taken every request and
    owes the answer: whoever waits for it is held in the kernel, where not even a kill ends him.
    """

    def __init__(self, folder: Path, behind: Path) -> None:
        """Mount `folder`, which shows what is in `behind`."""
        self.folder = folder
        self._far_folder = behind.with_name(f"{behind.name}-far")
        for path in (folder, behind, self._far_folder):
            path.mkdir(parents=True, exist_ok=True)
        self._far = _bind(behind, self._far_folder)
        self._near = _bind(self._far_folder, folder)

    def hang(self) -> None:
        """From now on, whoever asks it for something waits in the kernel."""
        self._far.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._far.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End the servers, which frees everybody who waits for them."""
        for server, folder in ((self._far, self._far_folder), (self._near, self.folder)):
            server.kill()
            server.wait()
            subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def _bind(behind: Path, folder: Path) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(["bindfs", "-f", str(behind), str(folder)])
    wait_until(folder.is_mount, "the share is mounted")
    return server


@contextmanager
def share(folder: Path, behind: Path) -> Iterator[Share]:
    made = Share(folder, behind)
    try:
        yield made
    finally:
        made.end()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
