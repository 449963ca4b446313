"""Whether this kernel lets the reading program and the engine host confine themselves (`processes/confinement.py`)."""

import errno
from collections.abc import Iterator

from leapfrog.problem import Problem
from leapfrog.processes.confinement import landlock_abi, seccomp_problem

UNCONFINED = "The reading program runs without"
WITHOUT_LANDLOCK = "a damaged image that takes it over could read other patients' files"
WITHOUT_SECCOMP = "a damaged image that takes it over could use the network"

UNIT_FORBIDS = "Run `leapfrog install`, which writes the service's unit anew, then `systemctl restart leapfrog`."
# By the errno with which the kernel refuses: why that is, and what to do.
LANDLOCK_REASONS = {
    errno.ENOSYS: (
        "this kernel was built without it",
        "Use a kernel that has it, such as Debian 12's own (Linux 5.13 or newer, CONFIG_SECURITY_LANDLOCK).",
    ),
    errno.EOPNOTSUPP: (
        "this kernel was started without it",
        "Add `landlock` to the list after `lsm=` on the kernel's command line, and restart the box.",
    ),
    errno.EPERM: ("the service's unit forbids it", UNIT_FORBIDS),
}
SECCOMP_REASONS = {
    errno.ENOTSUP: ("Leapfrog has no filter for this kind of processor", "Use a box with x86-64 or 64-bit ARM."),
    errno.EPERM: ("the service's unit forbids it", UNIT_FORBIDS),
}
NO_SECCOMP = (
    "this kernel was built without it",
    "Use a kernel that has it, such as Debian 12's own (CONFIG_SECCOMP_FILTER).",
)


def confinement_problems() -> tuple[Problem, ...]:
    """What of the confinement this kernel does not have; nothing where it has all that is used."""
    return tuple(_found(landlock_abi(), seccomp_problem()))


def _found(abi: int, seccomp_errno: int) -> Iterator[Problem]:
    if abi < 1:
        reason, remedy = LANDLOCK_REASONS.get(-abi, LANDLOCK_REASONS[errno.ENOSYS])
        yield Problem(
            what=f"{UNCONFINED} Landlock, since {reason}: {WITHOUT_LANDLOCK}.", remedy=remedy, in_worklist=False
        )
    if seccomp_errno:
        reason, remedy = SECCOMP_REASONS.get(seccomp_errno, NO_SECCOMP)
        yield Problem(
            what=f"{UNCONFINED} seccomp, since {reason}: {WITHOUT_SECCOMP}.", remedy=remedy, in_worklist=False
        )
