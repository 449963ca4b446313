"""Where open pages hear that the box runs: in memory, and on the disk of the reports only for those who listen there.

A write every few seconds would wake that disk as often, day and night, and wear an SD card: even one without a sync has
the file system's own journal written within 5 s (measured on ext4, 12 kB each time). So the page lies in memory, with a
link to it in the folder: under systemd in a folder that is the box's own (RuntimeDirectory=), else in /dev/shm, where
every user may lay something. Whoever does not see the box's files, such as a machine that has the folder mounted, opens
the page on the disk; the kernel tells that somebody did (inotify(7)).

This runs in the publishing program: it needs nothing but the standard library.
"""

import ctypes
import hashlib
import os
import stat
import struct
import time
from contextlib import suppress
from pathlib import Path

from leapfrog.heartbeat.names import ALIVE_NOW_NAME
from leapfrog.mounts import mount_of
from leapfrog.worklist.publication import tell

RUNTIME_DIRECTORY = "RUNTIME_DIRECTORY"  # the variable in which systemd names it (systemd.exec(5))
MEMORY = Path(os.environ.get(RUNTIME_DIRECTORY, "").split(":")[0] or "/dev/shm")
PUBLIC = 0o644  # it names nobody, and is read by whoever reads the reports
LISTENED_SECONDS = 60.0  # after somebody opened the page on the disk; an open page does every 2 s
# The page on the disk is written as often for nobody: so that a failing disk is noticed, and for machines that ask only
# whether it has changed before they show what they have of it (NFS).
PROBE_SECONDS = 60.0
IN_ACCESS, IN_CLOSE_NOWRITE, IN_IGNORED = 0x1, 0x10, 0x8000  # sys/inotify.h; the last: the page was replaced
EVENT = struct.Struct("iIII")  # struct inotify_event; of a file that is watched itself, no name follows
EVENTS_BYTES = 1024 * EVENT.size

_libc = ctypes.CDLL(None, use_errno=True)


def memory_page(reports_dir: Path, token: str) -> Path:
    """Where the page in memory lies for the folder of the reports that has this mark."""
    digest = hashlib.sha256(f"{reports_dir}\n{token}".encode()).hexdigest()
    return MEMORY / f"leapfrog-alive-{digest[:16]}.html"


class AlivePages:
    """Both pages. For one folder of reports at a time."""

    def __init__(self) -> None:
        """Nothing is opened before something is told."""
        self._listeners = _Listeners()
        self._written_at = float("-inf")  # on the disk

    def tell(self, page: Path, text: str, token: str) -> None:
        """Say `text` in memory, and at `page`, in the folder that has the mark `token`, as far as somebody listens
        there. Raises OSError when that disk fails.
        """
        told = _tell_in_memory(memory_page(page.parent, token), text)
        told = _link(page.parent, token) if told else _unlink(page.parent)
        now = time.monotonic()
        listened = not told or not page.exists() or self._listeners.heard(page, now)
        if listened or now - self._written_at >= PROBE_SECONDS:
            tell(page, text)
            self._written_at = now
            self._listeners.look_at(page)
            if not listened:
                _sync(
                    page
                )  # in one go: else the disk wakes now for the time of the change, and in 30 s for the content


def _sync(page: Path) -> None:
    """Write it out, without looking like somebody who listens, as whoever opens it to read does."""
    descriptor = os.open(page, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tell_in_memory(page: Path, text: str) -> bool:
    """Returns whether it is said there, in a file of our own."""
    content = text.encode()
    try:
        descriptor = os.open(page, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, PUBLIC)
    except OSError:
        return False
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid() or state.st_nlink != 1:
            return False
        os.fchmod(descriptor, PUBLIC)  # whatever the umask is
        written = os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
    except OSError:
        return False
    else:
        return written == len(content)
    finally:
        os.close(descriptor)


def _link(folder: Path, token: str) -> bool:
    """Have the folder's link lead to the page in memory. Returns whether it does: not every file system has links."""
    link, target = folder / ALIVE_NOW_NAME, memory_page(folder, token)
    with suppress(OSError):
        if link.readlink() == target:
            return True
    temporary = link.with_name(f".{link.name}.part")
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError:
        return False
    return True


def _unlink(folder: Path) -> bool:
    """Have no link: it would lead to an older page, or to a stranger's, which open pages would believe. Returns False:
    nothing is said there.
    """
    with suppress(OSError):
        (folder / ALIVE_NOW_NAME).unlink()
    return False


class _Listeners:
    """Who opened the page on the disk. Where the kernel cannot know that, somebody always might have."""

    def __init__(self) -> None:
        self._descriptor = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._sees = False
        self._heard_at = float("-inf")

    def look_at(self, page: Path) -> None:
        """From now on; again after each time that the page may have been replaced."""
        mount = mount_of(page.resolve())
        local = mount is not None and mount.local
        mask = IN_ACCESS | IN_CLOSE_NOWRITE
        self._sees = local and _libc.inotify_add_watch(self._descriptor, os.fsencode(page), mask) >= 0

    def heard(self, page: Path, now: float) -> bool:
        """Whether somebody has read the page lately, or may have. `page` is the one that was looked at."""
        if not self._sees:
            self.look_at(page)
            return True
        with suppress(BlockingIOError):
            while events := os.read(self._descriptor, EVENTS_BYTES):
                if any(mask & ~IN_IGNORED for _watch, mask, _cookie, _length in EVENT.iter_unpack(events)):
                    self._heard_at = now
        return now - self._heard_at < LISTENED_SECONDS
