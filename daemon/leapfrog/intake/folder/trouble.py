"""What is wrong with a watched folder, in words: what, and one thing to do about it. No sub-folder is named, since it
may be called after a patient.
"""

import errno
from pathlib import Path

from leapfrog.language.sentence import sentence

ROOT_MATTER, INSIDE_MATTER, PUT_AWAY_MATTER, CUT_SHORT_MATTER = "root", "inside", "put away", "cut short"

FOR_STAFF = sentence(
    "Some pictures in a shared folder do not arrive here. Check that its disk or network is connected; otherwise tell"
    " the technician."
)

# By errno(3), what is wrong with the folder itself, and what to do.
ROOT_TROUBLES = {
    errno.ENOENT: (
        "The watched folder {root} is not there.",
        "Make it again, or connect the disk or share that it is on.",
    ),
    errno.ENOTDIR: (
        "{root} is watched, but it, or what it should be in, is not a folder.",
        "Move away the file that is in its place, and make the folder again.",
    ),
    errno.EACCES: (
        "Leapfrog may not look into the watched folder {root}.",
        "Let the user that Leapfrog runs as read it and enter every folder above it.",
    ),
    errno.ESTALE: (
        "The watched folder {root} is on a share that the server gave away: {reason}.",
        "Unmount the share and mount it again.",
    ),
    errno.ENOTCONN: (
        "The watched folder {root} is on a mount that lost its other side: {reason}.",
        "Unmount it and mount it again.",
    ),
}
ROOT_TROUBLES[errno.EPERM] = ROOT_TROUBLES[errno.EACCES]
OTHER_ROOT_TROUBLE = (
    "The watched folder {root} cannot be read: {reason}.",
    "Check the disk or share that it is on, and its cable or network.",
)


def reason_of(problem: OSError) -> str:
    """The system's words, without any path."""
    return problem.strerror or type(problem).__name__


def root_trouble(root: Path, problem: OSError) -> tuple[str, str]:
    """Why nothing can be taken from `root`, and what to do."""
    what, remedy = ROOT_TROUBLES.get(problem.errno or 0, OTHER_ROOT_TROUBLE)
    return what.format(root=root, reason=reason_of(problem)), remedy


def inside_trouble(root: Path, problems: list[OSError]) -> tuple[str, str]:
    """Why some of `root` cannot be looked at, and what to do."""
    reasons = ", ".join(sorted({reason_of(problem) for problem in problems}))
    return (
        f"Some files or folders in the watched folder {root} cannot be looked at ({len(problems)}: {reasons})."
        " The others are taken.",
        "Let the user that Leapfrog runs as read them, or check the disk or share that they are on.",
    )


def put_away_trouble(root: Path, after: str, problem: OSError) -> tuple[str, str]:
    """Why taken files stay in `root`, and what to do."""
    verb = "deleted" if after == "delete" else "moved away"
    return (
        f"Files in {root} were taken but cannot be {verb}: {reason_of(problem)}.",
        'Let Leapfrog write there, or set folder.after to "keep".',
    )


def silent_trouble(root: Path) -> tuple[str, str]:
    """The mount hangs."""
    return (
        f"The watched folder {root} does not answer: the disk or share that it is on hangs.",
        "Check the server and the network, or the disk and its cable; unmount it if it does not come back.",
    )


def cut_short_trouble(root: Path, count: int) -> tuple[str, str]:
    """Files that end early are never put away."""
    return (
        f"Files in {root} end early ({count}): they were taken as they are, and stay there.",
        "Copy them there again from the machine that made them, or remove them.",
    )
