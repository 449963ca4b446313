"""The watched folders, as this user sees them."""

import errno
import os
import subprocess
from pathlib import Path

from leapfrog.problem import Problem
from leapfrog.processes.command_lines import our_program

GLANCE_PROGRAM = "leapfrog.control.inspection.glance"
GLANCE_SECONDS = 5.0
REMEDIES = {
    errno.ENOENT: "Create it, or mount the disk or share that it is on.",
    errno.ENOTDIR: "A file is in its place: move that away and create the folder.",
    errno.EACCES: "Let Leapfrog's user open the folder and every folder above it.",
}
OTHER_REMEDY = "Check the disk or network share that it is on, and mount it again."
NO_ANSWER = "it does not answer"


def folder_problem(folder: Path) -> Problem | None:
    """Why files in `folder` cannot be taken, or None. Takes a few seconds at most, whatever the folder does."""
    number = _glance(folder)
    if number == 0:
        return None
    reason = NO_ANSWER if number is None else _reason(number)
    return Problem(
        what=f"The watched folder {folder} cannot be read: {reason}.", remedy=REMEDIES.get(number or 0, OTHER_REMEDY)
    )


def _reason(number: int) -> str:
    """What the exit status of a glance means; one that failed by itself ends with 1, or by a signal."""
    return os.strerror(number) if number > 1 else "the look at it failed"


def _glance(folder: Path) -> int | None:
    """The error of opening `folder`, 0 for none; None when there is no answer. A child that is held is left behind."""
    program = subprocess.Popen(
        our_program(GLANCE_PROGRAM, str(folder)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return program.wait(GLANCE_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()
        return None
