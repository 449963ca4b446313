"""The watched folders, as this user sees them."""

import errno
import os
from pathlib import Path

from leapfrog.control.inspection.patience import Look
from leapfrog.problem import Problem

REMEDIES = {
    errno.ENOENT: "Create it, or mount the disk or share that it is on.",
    errno.ENOTDIR: "A file is in its place: move that away and create the folder.",
    errno.EACCES: "Let Leapfrog's user open the folder and every folder above it.",
}
OTHER_REMEDY = "Check the disk or network share that it is on, and mount it again."


def folder_problem(folder: Path) -> Problem | None:
    """Why files in `folder` cannot be taken, or None. Takes a few seconds at most."""
    try:
        Look(lambda: _open(folder)).result()
    except OSError as problem:
        return Problem(
            what=f"The watched folder {folder} cannot be read: {problem.strerror}.",
            remedy=REMEDIES.get(problem.errno or 0, OTHER_REMEDY),
        )
    return None


def _open(folder: Path) -> None:
    with os.scandir(folder) as entries:
        next(entries, None)
