"""Sticks of a test's own: file systems in a file, mounted as those of real sticks are."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.waiting import wait_until

MAKERS = {"FAT": "mkfs.vfat", "exFAT": "mkfs.exfat", "ext4": "mkfs.ext4"}


def why_not(kind: str) -> str:
    """Why no stick of that kind can be made here; "" when it can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    if shutil.which(MAKERS[kind]) is None:
        return f"{MAKERS[kind]} is not installed"
    if kind == "FAT" and not _kernel_has("vfat") and shutil.which("fusefat") is None:
        return "the kernel has no FAT, and fusefat is not installed"
    if kind == "exFAT" and not _kernel_has("exfat") and shutil.which("mount.exfat-fuse") is None:
        return "the kernel has no exFAT, and exfat-fuse is not installed"
    return ""


@contextmanager
def mounted(image: Path, folder: Path, kind: str, mebibytes: int = 24) -> Iterator[Path]:
    """A new stick with a file system of that kind, mounted at `folder`; `image` is what it keeps."""
    with image.open("wb") as file:
        file.truncate(mebibytes << 20)
    options = ["-q", "-F", "-m", "0"] if kind == "ext4" else []
    _run(MAKERS[kind], *options, str(image))
    with mounted_again(image, folder, kind):
        yield folder


@contextmanager
def mounted_again(image: Path, folder: Path, kind: str, *, read_only: bool = False) -> Iterator[Path]:
    """The same stick, put in once more."""
    folder.mkdir(exist_ok=True)
    loop = "" if kind == "FAT" else _run("losetup", "--find", "--show", str(image)).strip()
    how = "ro" if read_only else "rw"
    try:
        if kind == "ext4":
            _run("mount", "-o", how, loop, str(folder))
        elif kind == "exFAT":
            _run("mount.exfat-fuse", "-o", how, loop, str(folder))
        elif _kernel_has("vfat"):
            loop = _run("losetup", "--find", "--show", str(image)).strip()
            _run("mount", "-t", "vfat", "-o", how, loop, str(folder))
        else:
            _run("fusefat", "-o", "rw+" if not read_only else "ro", str(image), str(folder))
        wait_until(folder.is_mount, f"a {kind} stick is mounted")
        yield folder
    finally:
        wait_until(lambda: not folder.is_mount() or _unmounted(folder), "it is unmounted")
        if loop:
            subprocess.run(["losetup", "--detach", loop], check=False, capture_output=True)


def pull_out(folder: Path) -> None:
    """Take it away from whoever uses it, as far as a mount can: it is not seen any more."""
    subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def _unmounted(folder: Path) -> bool:
    return subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0


def _kernel_has(name: str) -> bool:
    known = Path("/proc/filesystems").read_text().split()
    return name in known


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
