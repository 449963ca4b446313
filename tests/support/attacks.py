"""What somebody tries who has taken over a child of ours with a damaged picture or model, and what comes of it.

Nothing but the standard library, on Python 3.7 or newer: it runs inside a reader, and inside an engine host under any
interpreter.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import resource
import socket
from typing import Any, Callable, Mapping  # noqa: UP035 - Python 3.7

TARGETS = "LEAPFROG_TEST_TARGETS"  # what it goes for, as JSON
MACHINE = 0 if os.uname().machine == "x86_64" else 1
BPF, PERF_EVENT_OPEN, KEYCTL, USERFAULTFD, GETPID = ((321, 280), (298, 241), (250, 219), (323, 282), (39, 172))
IO_URING_SETUP, OPEN_TREE_ATTR = 425, 467
MEMFD_CREATE, INOTIFY_INIT1, FANOTIFY_MARK = ((319, 279), (294, 26), (301, 263))
SCHED_SETATTR, IOPRIO_SET = ((314, 274), (251, 30))
F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE = 8, 10, 15, 1024
FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX, TIOCSETD = 0x8901, 0x8902, 0x5412, 0x541C, 0x5423
FOR_IOCTL_ONLY = 3  # an access mode that is neither reading nor writing
PR_SET_PDEATHSIG = 1
CLONE_NEWUSER, PTRACE_ATTACH = 0x10000000, 16
X32_BIT = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def _c(name: str, *arguments: int | None) -> None:
    """Call a function of libc; raises OSError as Python's own do."""
    _libc[name].restype = ctypes.c_long
    if _libc[name](*[ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]) == -1:
        raise OSError(ctypes.get_errno(), name)


def _read(path: str) -> None:
    with open(path, "rb") as stream:
        stream.read(1)


def _write(path: str) -> None:
    with open(path, "wb") as stream:
        stream.write(b"overwritten")


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _with_pipe(use: Callable[[int], object]) -> None:
    ends = os.pipe()
    try:
        use(ends[0])
    finally:
        for end in ends:
            os.close(end)


def _command(command: int, argument: int) -> None:
    _with_pipe(lambda end: fcntl.fcntl(end, command, argument))


def _control(request: int) -> None:
    _with_pipe(lambda end: fcntl.ioctl(end, request, os.getppid().to_bytes(8, "little")))


def _open(path: str, flags: int, mode: int = 0o600) -> None:
    os.close(os.open(path, flags, mode))


def _grow(path: str) -> None:
    with open(path, "wb") as stream:
        stream.truncate(3 * 1024**3)


def _rename_away(targets: dict[str, Any]) -> None:
    own = os.path.join(targets["own"], "own")
    _write(own)
    os.rename(own, os.path.join(targets["elsewhere"], "own"))


FORBIDDEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "open the journal": lambda t: _read(t["journal"]),
    "open a key": lambda t: _read(t["key"]),
    "open another exam": lambda t: _read(t["other_exam"]),
    "list the spool": lambda t: os.listdir(t["spool"]),
    "open the list of users": lambda t: _read("/etc/passwd"),
    "look into another process": lambda t: _read(f"/proc/{os.getppid()}/environ"),
    "write a file elsewhere": lambda t: _write(os.path.join(t["elsewhere"], "new")),
    "overwrite the journal": lambda t: _write(t["journal"]),
    "cut off the journal": lambda t: os.truncate(t["journal"], 0),
    "empty the journal, opened to be read": lambda t: _open(t["journal"], os.O_RDONLY | os.O_TRUNC),
    "empty the journal, opened for neither": lambda t: _open(t["journal"], FOR_IOCTL_ONLY | os.O_TRUNC),
    "open the journal for neither": lambda t: _open(t["journal"], FOR_IOCTL_ONLY),
    "empty the exam that it may read": lambda t: _open(t["given"], os.O_RDONLY | os.O_TRUNC),
    "hold up who writes an exam": lambda t: _command(F_SETLEASE, fcntl.F_RDLCK),
    "open the journal to everybody": lambda t: os.chmod(t["journal"], 0o666),
    "remove the journal": lambda t: os.unlink(t["journal"]),
    "link to the journal": lambda t: os.symlink(t["journal"], os.path.join(t["own"], "link")),
    "give the journal a second name": lambda t: os.link(t["journal"], os.path.join(t["own"], "name")),
    "make a pipe": lambda t: os.mkfifo(os.path.join(t["own"], "pipe")),
    "connect to a port": lambda t: socket.create_connection(("127.0.0.1", t["port"]), 5),
    "make a socket": lambda t: socket.socket(socket.AF_UNIX),
    "make a pair of sockets": lambda t: socket.socketpair(),
    "run a program": lambda t: os.execv("/bin/true", ["true"]),
    "start a program": lambda t: os.posix_spawn("/bin/true", ["true"], {}) if hasattr(os, "posix_spawn") else _fork(),
    "start a process": lambda t: _fork(),
    "trace another process": lambda t: _c("ptrace", PTRACE_ATTACH, os.getppid(), None, None),
    "read another process's memory": lambda t: _c("process_vm_readv", os.getppid(), None, 0, None, 0, 0),
    "signal another process": lambda t: os.kill(os.getppid(), 0),
    "have another process signalled": lambda t: _command(F_SETOWN, os.getppid()),
    "have a signal of its choice sent": lambda t: _command(F_SETSIG, 9),
    "have another thread signalled": lambda t: _command(F_SETOWN_EX, 0),
    "have another process signalled by ioctl": lambda t: _control(FIOSETOWN),
    "have another process signalled by a socket's ioctl": lambda t: _control(SIOCSPGRP),
    "type into a terminal": lambda t: _control(TIOCSTI),
    "paste into a terminal": lambda t: _control(TIOCLINUX),
    "change a terminal": lambda t: _control(TIOCSETD),
    "slow down another process": lambda t: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "slow down all of its group": lambda t: os.setpriority(os.PRIO_PGRP, 0, 19),
    "schedule another process": lambda t: os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0)),
    "set another process's scheduling": lambda t: os.sched_setparam(os.getppid(), os.sched_param(0)),
    "set another process's attributes": lambda t: _c("syscall", SCHED_SETATTR[MACHINE], os.getppid(), None, 0),
    "choose another process's processors": lambda t: os.sched_setaffinity(os.getppid(), {0}),
    "slow down another process's disk": lambda t: _c("syscall", IOPRIO_SET[MACHINE], 1, os.getppid(), 3 << 13),
    "outlive its parent": lambda t: _c("prctl", PR_SET_PDEATHSIG, 0, 0, 0, 0),
    "keep memory that is not counted": lambda t: _c("syscall", MEMFD_CREATE[MACHINE], None, 0),
    "watch folders": lambda t: _c("syscall", INOTIFY_INIT1[MACHINE], 0),
    "watch a file system": lambda t: _c("syscall", FANOTIFY_MARK[MACHINE], 0, 0, 0, 0, None),
    "limit another process": lambda t: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE),
    "make a namespace": lambda t: _c("unshare", CLONE_NEWUSER),
    "enter a namespace": lambda t: _c("setns", 0, 0),
    "mount": lambda t: _c("mount", None, None, None, 0, None),
    "copy a mount": lambda t: _c("syscall", OPEN_TREE_ATTR, -1, None, 0, None, 0),
    "load a program into the kernel": lambda t: _c("syscall", BPF[MACHINE], 0, None, 0),
    "measure the kernel": lambda t: _c("syscall", PERF_EVENT_OPEN[MACHINE], None, 0, -1, -1, 0),
    "use the kernel's keys": lambda t: _c("syscall", KEYCTL[MACHINE], 0, -3, 0),
    "use io_uring": lambda t: _c("syscall", IO_URING_SETUP, 1, None),
    "handle page faults": lambda t: _c("syscall", USERFAULTFD[MACHINE], 0),
}
if MACHINE == 0:
    FORBIDDEN["call by the numbers of x32"] = lambda t: _c("syscall", X32_BIT | GETPID[MACHINE])

OWN_FOLDER_ONLY: dict[str, Callable[[dict[str, Any]], object]] = {
    "move a file elsewhere": _rename_away,
    "make a folder": lambda t: os.mkdir(os.path.join(t["own"], "folder")),
    "make a program that runs as its maker": lambda t: _open(
        os.path.join(t["own"], "program"), os.O_CREAT | os.O_WRONLY, 0o4755
    ),
    "make a program that runs as its maker's group": lambda t: _open(
        os.path.join(t["own"], "program"), os.O_CREAT | os.O_WRONLY, 0o2755
    ),
    "fill the disk": lambda t: _grow(os.path.join(t["own"], "large")),
}
OF_A_READER = {**FORBIDDEN, **OWN_FOLDER_ONLY}


def try_all(attacks: Mapping[str, Callable[[dict[str, Any]], object]]) -> dict[str, str]:
    """The name of the error with which each attack failed, "" for one that did not."""
    targets = json.loads(os.environ[TARGETS])
    came_of = {}
    for name, attack in attacks.items():
        try:
            attack(targets)
            came_of[name] = ""
        except OSError as problem:
            came_of[name] = errno.errorcode[problem.errno or 0]
    return came_of
