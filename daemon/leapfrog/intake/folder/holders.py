"""Whether somebody still has a file open for writing."""

import errno
import fcntl
import signal
from enum import Enum


class Holders(Enum):
    """What could be found out."""

    NOBODY = "nobody can write to it"
    SOMEBODY = "somebody has it open for writing"
    UNSEEN = "nobody here can tell"


def holders_of(descriptor: int, *, local: bool) -> Holders:
    """Who has the file open for writing that is open for reading as `descriptor`; `local`: only this machine writes to
    its file system.

    A read lease (fcntl(2), F_SETLEASE) is granted only where no process of this machine has the file open for writing,
    whoever it belongs to, mapped into memory included. It is given back at once. It is granted only on one's own files,
    and to root: /proc would show no more. Call `ignore_lease_breaks` first.
    """
    if not local:
        return Holders.UNSEEN
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as problem:
        return Holders.SOMEBODY if problem.errno == errno.EAGAIN else Holders.UNSEEN
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return Holders.NOBODY


def ignore_lease_breaks() -> None:
    """Whoever opens a file for writing within the moment of a lease makes the kernel send SIGIO, which would end us."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)
