"""The disks of the state directory and the reports: how full they are, for how long, and whether they take writes."""

import os
import tempfile
from pathlib import Path

from leapfrog.exam import Frozen
from leapfrog.language.sentence import plural, sentence
from leapfrog.problem import Problem
from leapfrog.settings import Settings
from leapfrog.wording.text import byte_size
from leapfrog.worklist.disk_condition import IN_SHORT
from leapfrog.worklist.disk_jobs import DiskAnswer

STATE_DISK = "the state directory"
REPORTS_DISK = "the reports"

SHORT_DAYS = 7.0  # a disk that will be full within so many days is a problem today

LEAST_BYTES = 32 << 20  # with less, a film or its report may not fit, whatever the settings say

READ_ONLY = "Mount it for writing; if it became read-only by itself, the disk is failing: copy it and replace it."
ROOM = (
    "Remove what does not belong there, lower retention.keep_days, or use a larger disk. An exam of which something is"
    " still to be sent stays, whatever keep_days says: `leapfrog status` shows to whom. If a server is never to get it,"
    " take that out of the settings, restart Leapfrog and run `leapfrog dismiss --destination NAME`."
)
FAILS_FOR_STAFF = sentence("A disk of this box does not work as it should. Tell the technician now.")
REFUSED_FOR_STAFF = sentence("The disk of this box is full: no new exam is taken. Tell the technician now.")
NEARLY_FULL_FOR_STAFF = sentence("A disk of this box is nearly full. Tell the technician today.")
FULL_TODAY_FOR_STAFF = sentence("A disk of this box will be full within a day. Tell the technician.")
FULL_SOON_FOR_STAFF = plural(
    "A disk of this box will be full in about {count} day. Tell the technician.",
    "A disk of this box will be full in about {count} days. Tell the technician.",
)


class DiskState(Frozen):
    """A disk now. `days_left`: until it is full at the rate of the last days; None when that is not known."""

    name: str
    path: str
    total_bytes: int = 0
    free_bytes: int = 0
    read_only: bool = False
    days_left: float | None = None
    error: str = ""


def look_at_disk(name: str, path: Path) -> DiskState:
    """The disk under `path`, which is called `name` when people are told. Raises OSError; may hang on a dead share."""
    usage = os.statvfs(path)
    return DiskState(
        name=name,
        path=str(path),
        total_bytes=usage.f_blocks * usage.f_frsize,
        free_bytes=usage.f_bavail * usage.f_frsize,
        read_only=bool(usage.f_flag & os.ST_RDONLY),
    )


def reports_disk(seen: DiskAnswer, path: Path) -> DiskState:
    """The disk of the reports, as the publishing program has `seen` it: whoever touches a dead share may be held."""
    unusable = seen.condition not in ("good", "full", "read_only")
    return DiskState(
        name=REPORTS_DISK,
        path=str(path),
        total_bytes=seen.total_bytes,
        free_bytes=seen.free_bytes,
        read_only=seen.condition == "read_only",
        error=(seen.detail or IN_SHORT[seen.condition]) if unusable else "",
    )


def try_writing(path: Path) -> None:
    """Write a small file durably in `path` and remove it. Raises OSError; may hang on a dead share."""
    with tempfile.NamedTemporaryFile(dir=path, prefix=".leapfrog-doctor-") as file:
        file.write(b"leapfrog")
        file.flush()
        os.fsync(file.fileno())


def disk_problem(disk: DiskState, settings: Settings) -> Problem | None:
    """What is wrong with a disk, or None. The worst comes first."""
    must_stay = settings.retention.min_free_bytes if disk.name == STATE_DISK else 0
    where = f"The disk of {disk.name} ({disk.path})"
    if disk.error:
        what = f"{where} cannot be used: {disk.error}."
        return Problem(what=what, remedy=_remedy(disk), for_staff=FAILS_FOR_STAFF, cannot_wait=True)
    if disk.read_only:
        what = f"{where} is read-only."
        return Problem(what=what, remedy=READ_ONLY, for_staff=FAILS_FOR_STAFF, cannot_wait=True)
    if disk.total_bytes and disk.free_bytes < max(must_stay, LEAST_BYTES):  # some shares count no blocks at all
        refused = ", so new images are refused" if disk.free_bytes < must_stay else ""
        return Problem(
            what=f"{where} is nearly full{refused}: {byte_size(disk.free_bytes)} are free.",
            remedy=ROOM,
            for_staff=REFUSED_FOR_STAFF if refused else NEARLY_FULL_FOR_STAFF,
            cannot_wait=bool(refused),
        )
    if disk.days_left is not None and disk.days_left < SHORT_DAYS:
        is_today, days_left = disk.days_left < 1.5, round(disk.days_left)
        days = "within a day" if is_today else f"in about {days_left} days"
        return Problem(
            what=f"{where} will be full {days} if it fills as it did lately: {byte_size(disk.free_bytes)} are free.",
            remedy=ROOM,
            for_staff=FULL_TODAY_FOR_STAFF if is_today else FULL_SOON_FOR_STAFF.format(count=days_left),
        )
    return None


def _remedy(disk: DiskState) -> str:
    if disk.name == STATE_DISK:
        return "Connect or mount it, let Leapfrog's user write there, and start Leapfrog again."
    return (
        "Connect or mount it and let Leapfrog's user write there; reports that wait are then published by themselves."
    )
