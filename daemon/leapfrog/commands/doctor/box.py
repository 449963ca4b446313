"""The box itself: its daemon, disks, folders, port, clock and district, and what waits for a person."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from leapfrog.commands.doctor.check import Check, absent, as_check, ok, wrong
from leapfrog.control.asking import daemon_status, run_command, status_without_daemon
from leapfrog.control.attention import seen_without_daemon
from leapfrog.control.inspection.archives import archive_answers
from leapfrog.control.inspection.clock import clock_problem
from leapfrog.control.inspection.confinement import UNCONFINED, confinement_problems
from leapfrog.control.inspection.disks import DiskState, disk_problem
from leapfrog.control.inspection.district import district_answers, own_state_answers
from leapfrog.control.inspection.folders import folder_problem
from leapfrog.errors import LeapfrogError
from leapfrog.problem import Problem
from leapfrog.processes.confinement import landlock_abi
from leapfrog.settings import Settings
from leapfrog.state.upkeep.retention import clock_is_synchronised
from leapfrog.wording.text import byte_size, count


@dataclass(frozen=True)
class Daemon:
    """`status` is what a running daemon reports, None without one. `no_answer`: why one that may run did not tell."""

    status: dict[str, Any] | None = None
    no_answer: str = ""


def ask_for_daemon(settings: Settings) -> Daemon:
    """Ask the daemon of this box. Never raises."""
    try:
        return Daemon(status=daemon_status(settings))
    except LeapfrogError as refusal:
        return Daemon(no_answer=str(refusal))


def daemon_check(daemon: Daemon) -> Check:
    """Whether one is running and answers."""
    if daemon.no_answer:
        return wrong("daemon", daemon.no_answer, "Its Edge TPUs are not tested until it answers.")
    if daemon.status is None:
        return absent("daemon", "No daemon is running.", "Start it with `systemctl start leapfrog` or `leapfrog run`.")
    return ok("daemon", f"Running. It reads images on: {daemon.status['device']}.")


def box_checks(settings: Settings, daemon: Daemon) -> Iterator[Check]:
    """What needs attention, each as a check of its own, then what is all right."""
    if not settings.state_dir.is_dir():
        detail = f"{settings.state_dir} does not exist yet."
        yield absent("state directory", detail, "Run `leapfrog install`, then start the daemon.")
        return
    attention, disks = _seen(settings, daemon)
    for number, found in enumerate(attention, 1):
        yield as_check(f"attention {number}", found)
    yield from (_disk_check(disk) for disk in disks if disk_problem(disk, settings) is None)
    yield from _folder_checks(settings, attention)
    if daemon.status is not None:
        yield ok("port", f"Listening as {daemon.status['ae_title']} on {daemon.status['address']}.")
    elif not any(f"ort {settings.dicom.port}" in found.what for found in attention):
        yield ok("port", f"Port {settings.dicom.port} is free.")
    yield from _confinement_checks(attention)
    yield from _clock_checks()
    own_state = own_state_answers(settings, lambda: str(run_command(settings, "box_state")["file"]).encode("ascii"))
    for answer in (*district_answers(settings), *archive_answers(settings), *own_state):
        yield _district_check(answer.name, answer.detail, answer.problem)
    yield from _carried_checks(daemon)


def _carried_checks(daemon: Daemon) -> Iterator[Check]:
    """Of destinations that no link reaches. What a person should do about them needs attention, and is said above."""
    for one in daemon.status["outbox"]["destinations"] if daemon.status else ():
        if one["link"] == "stick":
            last = one["sticks"]["last_written_at"]
            written = f"the last one was written at {last}" if last else "none was written yet"
            yield ok(f"sticks for {one['name']}", f"{count(one['deliveries']['waiting'], 'object')} wait; {written}.")


def _seen(settings: Settings, daemon: Daemon) -> tuple[list[Problem], list[DiskState]]:
    """What needs attention and the disks, by the daemon or, without one, by the journal and our own look."""
    try:
        status = daemon.status or status_without_daemon(settings)
    except LeapfrogError as refusal:
        outside = seen_without_daemon(settings, None)
        seen = list(outside.problems[1:])  # the first says that no daemon runs, which may not be so
        if not daemon.no_answer:
            seen.insert(0, Problem(what=str(refusal), remedy="`leapfrog journal check` says more."))
        return seen, list(outside.disks)
    if status is None:
        outside = seen_without_daemon(settings, None)
        return list(outside.problems[1:]), list(outside.disks)  # the first says that no daemon runs, as does its check
    attention = [Problem.model_validate(found) for found in status["attention"]]
    disks = [DiskState.model_validate(disk) for disk in status["disks"]]
    return attention[0 if daemon.status else 1 :], disks


def _disk_check(disk: DiskState) -> Check:
    days = "" if disk.days_left is None else f", full in about {disk.days_left:.0f} days at this rate"
    detail = f"{byte_size(disk.free_bytes)} free of {byte_size(disk.total_bytes)} at {disk.path}{days}"
    return ok(f"disk of {disk.name}", detail)


def _folder_checks(settings: Settings, attention: list[Problem]) -> Iterator[Check]:
    for folder in settings.inbox_dirs:
        made_at_start = folder == settings.default_inbox and not _may_exist(folder)
        if made_at_start or any(str(folder) in found.what for found in attention):
            continue
        found = folder_problem(folder)
        yield ok(f"folder {folder}", "Can be read.") if found is None else as_check(f"folder {folder}", found)


def _may_exist(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # this user may not look
        return True


def _confinement_checks(attention: list[Problem]) -> Iterator[Check]:
    """Unless what needs attention says it already."""
    if any(found.what.startswith(UNCONFINED) for found in attention):
        return
    problems = confinement_problems()
    yield from (as_check("confinement", found) for found in problems)
    if not problems:
        yield ok("confinement", f"A reading program reaches nothing but its exam (seccomp, Landlock {landlock_abi()}).")


def _clock_checks() -> Iterator[Check]:
    now = datetime.now().astimezone()
    if clock_problem(now, None):
        return  # said above
    if clock_is_synchronised():
        yield ok("clock", f"Synchronised; it shows {now:%Y-%m-%d %H:%M %Z}.")
    else:
        yield absent(
            "clock",
            f"Not synchronised by a time server; it shows {now:%Y-%m-%d %H:%M %Z}.",
            "Compare it with a watch. While it is not synchronised, no exam is deleted for its age.",
        )


def _district_check(name: str, detail: str, found: Problem | None) -> Check:
    return ok(name, detail) if found is None else as_check(name, found)
