"""What a stick's file system answers, in words: sticks are pulled out, worn out, full, locked and falsely labelled."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leapfrog.errors import StickError, StickFull

FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
GONE = frozenset((errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.ENOMEDIUM, errno.ESHUTDOWN))
LOCKED = frozenset((errno.EACCES, errno.EPERM))
# What file systems answer that have no fsync of folders, such as some made with FUSE.
CANNOT_BE_DONE = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF))


def stick_error(root: Path, problem: OSError) -> StickError:
    """What `problem` means for whoever put the stick at `root` in."""
    if problem.errno in FULL:
        return StickFull(f"The stick {root} is full.")
    return StickError(_sentence(root, problem))


def _sentence(root: Path, problem: OSError) -> str:
    if problem.errno == errno.EROFS:
        return (
            f"The stick {root} cannot be written: it is read-only. Move its lock switch, if it has one, or mount it so"
            " that it can be written; a stick that became read-only by itself is worn out, so use another."
        )
    if problem.errno in GONE:
        return (
            f"The stick {root} does not answer any more ({problem.strerror}): it was pulled out, or it fails. Nothing"
            " is lost. Put it in again and repeat the command; if that happens again, use another stick."
        )
    if problem.errno in LOCKED:
        return (
            f"This user may not use {problem.filename or root} ({problem.strerror}). Run this as root, or mount the"
            " stick for the user that the daemon runs as."
        )
    if problem.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"There is no folder {root}. Put the stick in, see where it is mounted, and name that folder."
    if problem.errno == errno.EFBIG:
        return f"The file system of the stick {root} takes no file as large as this one. Format it as exFAT or ext4."
    return f"The stick {root} cannot be used: {problem.strerror or problem}. Put it in again, or use another."


@contextmanager
def speaking_of(root: Path) -> Iterator[None]:
    """Raise StickError in the place of an OSError."""
    try:
        yield
    except OSError as problem:
        raise stick_error(root, problem) from problem
