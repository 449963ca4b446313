"""A child of ours gives up what it does not need, so that whoever takes it over with a damaged picture gains nothing.

This one file needs only the standard library, on Python 3.7 or newer: the engine host runs it too, under a board's own
interpreter. Linux has two ways to do it that need no rights, and both are used by the process itself, from inside:

- Landlock (landlock(7)): of the file system, only named folders are left. They are chosen once and for all: a reader
  that is to see one exam after the other is given each of them in a folder of its own, its desk (`lanes/desk.py`).
- seccomp (seccomp(2)): system calls that nothing here needs are refused with EPERM: no new sockets, no other programs
  or processes, no look into other processes and no signals or priorities for them, no namespaces, and no changes to
  files that Landlock does not cover, such as their modes.

Both hold for all that the process becomes, and cannot be taken back. A kernel may lack either; `landlock_abi` and
`seccomp_problem` say so, and what is there is used.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import struct
import sys
from pathlib import Path
from typing import Iterable, NamedTuple, Sequence  # noqa: UP035 - Python 3.7

PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
AF_NETLINK = 16  # linux/socket.h
LARGEST_FILE = 1024**3  # bytes; no result of an exam comes near it


class Rights(NamedTuple):
    """What a process keeps besides its own code, and besides the descriptors that it holds already.

    `readable` and `writable` are files or folders with all that is in them; what is in a writable one may be read,
    made, replaced and removed, and in one of `scratch` folders may be made and removed, too. `devices` are device
    nodes, or folders of them. `netlink` is whether it may open a netlink socket, from which libusb hears of devices.
    What does not exist is skipped.
    """

    readable: Sequence[str] = ()
    writable: Sequence[str] = ()
    devices: Sequence[str] = ()
    netlink: bool = False
    scratch: Sequence[str] = ()


def confine(rights: Rights, newest_abi: int = 99) -> None:
    """Give up everything but `rights`, as far as this kernel can; of Landlock, what `newest_abi` had at most. No file
    that is written can grow beyond `LARGEST_FILE`.

    To be called before there is a second thread: Landlock binds the thread that asks for it, and those that it starts.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
    _limit_files(LARGEST_FILE)  # also without a writable folder: standard error may be a file
    abi = min(landlock_abi(), newest_abi)
    if abi > 0:
        _restrict_paths(rights, abi)
    if seccomp_problem() == 0:
        _install(filter_program(_machine(), os.getpid(), rights.netlink))


def _limit_files(largest: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    if most != resource.RLIM_INFINITY:
        largest = min(largest, most)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))


WHERE_DEVICES_ARE_FOUND = ("/sys", "/run/udev")  # by libusb and libedgetpu


def confine_engine_host(models: Sequence[str], library: str | None) -> None:
    """Leave an engine host the folders `models`, and the Edge TPUs that `library` drives; None for the processor.

    The library is loaded before, together with all that it needs.
    """
    if library is None:
        confine(Rights(readable=models))
        return
    with contextlib.suppress(OSError):  # said when it is needed
        ctypes.CDLL(library)
    nodes = ["/dev/bus/usb", *map(str, Path("/dev").glob("apex_*"))]
    confine(Rights(readable=(*models, *WHERE_DEVICES_ARE_FOUND), devices=nodes, netlink=True))


# ---------------------------------------------------------------- Landlock

# The same on all machines (asm-generic/unistd.h).
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1

# linux/landlock.h, LANDLOCK_ACCESS_FS_...
WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE, MAKE_REG = 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8
REMOVE_DIR, MAKE_DIR = 1 << 4, 1 << 7
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
OF_A_FILE = 1 << 0 | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the others are of folders only
READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_REG  # no links, pipes, sockets, devices or folders
MAKE_FOLDERS = WRITE | MAKE_DIR | REMOVE_DIR
USE_DEVICE = READ | WRITE_FILE | IOCTL_DEV


class Handled(NamedTuple):
    """What an ABI of Landlock can forbid: accesses to files, to TCP ports, and to what is outside of the process."""

    fs: int
    net: int
    scoped: int
    attribute_bytes: int


# By the first ABI that has it. Debian 12's kernel (6.1) has 2, Debian 13's (6.12) has 6.
HANDLED = {
    1: Handled((1 << 13) - 1, 0, 0, 8),
    2: Handled((1 << 14) - 1, 0, 0, 8),  # REFER: links and renames between folders, which ABI 1 never allows
    3: Handled((1 << 15) - 1, 0, 0, 8),  # TRUNCATE
    4: Handled((1 << 15) - 1, 3, 0, 16),  # BIND_TCP, CONNECT_TCP
    5: Handled((1 << 16) - 1, 3, 0, 16),  # IOCTL_DEV
    6: Handled((1 << 16) - 1, 3, 3, 24),  # abstract Unix sockets, signals
}


def landlock_abi() -> int:
    """Which version of Landlock this kernel has; or minus the errno with which it refuses to say: ENOSYS if it was
    built without, EOPNOTSUPP if it was started without, EPERM if the service manager forbids the question.
    """
    return _system_call(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)


def handled_by(abi: int) -> Handled:
    """What the ABI `abi`, 1 or newer, can forbid."""
    return HANDLED[min(abi, max(HANDLED))]


def own_code() -> list[str]:
    """What this interpreter and the native libraries below it may open while they run."""
    return [
        *(path for path in (*sys.path, sys.prefix, sys.exec_prefix, sys.base_prefix) if Path(path).is_absolute()),
        *(path for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if Path(path).is_absolute()),
        *("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime"),
        *("/proc/cpuinfo", "/sys/devices/system/cpu", "/dev/null", "/dev/urandom"),
    ]


def _restrict_paths(rights: Rights, abi: int) -> None:
    handled = handled_by(abi)
    attribute = struct.pack("=QQQ", handled.fs, handled.net, handled.scoped)[: handled.attribute_bytes]
    ruleset = _checked("landlock_create_ruleset", _system_call(LANDLOCK_CREATE_RULESET, attribute, len(attribute), 0))
    try:
        for paths, access in (
            ((*own_code(), *rights.readable), READ),
            (rights.writable, WRITE),
            (rights.scratch, MAKE_FOLDERS),
            (rights.devices, USE_DEVICE),
        ):
            for path in paths:
                _allow(ruleset, path, access & handled.fs)
        _checked("landlock_restrict_self", _system_call(LANDLOCK_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # it is not there, or not for this user
        return
    try:
        if not Path(path).is_dir():
            access &= OF_A_FILE
        rule = struct.pack("=Qi", access, descriptor)
        _checked("landlock_add_rule", _system_call(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0))
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- seccomp

SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL = 1, 2  # linux/seccomp.h
SECCOMP_FILTER_FLAG_TSYNC = 1  # all threads
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
AS_IF_UNKNOWN = 0x00050000 | errno.ENOSYS


class Machine(NamedTuple):
    """How system calls are made on a machine: its name in audit (linux/audit.h), and its column in `NUMBERS`."""

    audit: int
    column: int


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}
X32_BIT = 0x40000000  # x86-64's second numbering of its calls, with which a filter could be passed by

# From asm/unistd_64.h and asm-generic/unistd.h; None where a machine has no such call.
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    # no new connections
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242),
    # no other programs or processes; threads are made with clone, whose flags are looked at below
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None), "clone": (56, 220),
    "clone3": (435, 435),
    # files are opened by their flags, which are looked at below; openat2 takes them where no filter can see them
    "open": (2, None), "openat": (257, 56), "openat2": (437, 437), "creat": (85, None),
    # whom a descriptor signals, and what a terminal is told, are looked at below
    "fcntl": (72, 25), "ioctl": (16, 29), "prctl": (157, 167),
    # nothing of other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "kill": (62, 129), "tkill": (200, 130),
    "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "prlimit64": (302, 261),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "shmget": (29, 194), "shmat": (30, 196),
    "shmctl": (31, 195), "semget": (64, 190), "semctl": (66, 191), "semop": (65, 193), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgctl": (71, 187), "msgsnd": (69, 189), "msgrcv": (70, 188), "mq_open": (240, 180),
    "mq_unlink": (241, 181), "setpriority": (141, 140), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274), "sched_setaffinity": (203, 122),
    "ioprio_set": (251, 30), "inotify_init": (253, None), "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27), "fanotify_init": (300, 262), "fanotify_mark": (301, 263),
    # no memory that the limit on it does not count
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    # no new namespaces, no mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "move_mount": (429, 429), "open_tree": (428, 428), "open_tree_attr": (467, 467), "mount_setattr": (442, 442),
    # nothing of the kernel's that is rarely used and often broken
    "bpf": (321, 280), "perf_event_open": (298, 241), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "userfaultfd": (323, 282),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "syslog": (103, 116), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    # no changes to files that Landlock lets through: modes, owners, times, attributes, and by its ABI 1 and 2 lengths
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "utime": (132, None), "utimes": (235, None),
    "file_setattr": (469, 469), "futimesat": (261, None), "utimensat": (280, 88), "truncate": (76, 45),
    "mknod": (133, None),
    "mknodat": (259, 33), "symlink": (88, None), "symlinkat": (266, 36), "link": (86, None), "linkat": (265, 37),
}  # fmt: skip
SECCOMP = {"x86_64": 317, "aarch64": 277}

CLONE_THREAD = 0x00010000  # linux/sched.h
CLONE_NEW = 0x7E020000  # the flags of all new namespaces that clone takes

# asm-generic/fcntl.h, the same on both machines. Access mode 3 is for ioctl only: Landlock asks no right for it.
ACCESS_MODE, CREATES, TRUNCATES = 0o3, 0o100 | 0o20000000, 0o1000  # O_ACCMODE, O_CREAT and O_TMPFILE, O_TRUNC
SET_ID = 0o6000  # S_ISUID, S_ISGID: a program that runs with the rights of who made it

# Commands of fcntl with which the kernel signals another process, or holds up one that opens the file (linux/fcntl.h):
# F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY, F_SETDELEG.
FCNTL_REFUSED = (8, 10, 15, 1024, 1026, 1040)
# Those of ioctl: FIOSETOWN, SIOCSPGRP (asm-generic/sockios.h); TIOCSTI, TIOCLINUX, TIOCSETD, with which a terminal
# takes what we write for what its user types (asm-generic/ioctls.h); and what changes a file that is open to be read:
# FS_IOC_SETFLAGS, FS_IOC_SETVERSION, FS_IOC_FSSETXATTR (linux/fs.h), FS_IOC_ENABLE_VERITY (linux/fsverity.h).
IOCTL_REFUSED = (0x8901, 0x8902, 0x5412, 0x541C, 0x5423, 0x40086602, 0x40087602, 0x401C5820, 0x40806685)
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PRIO_PROCESS, IOPRIO_WHO_PROCESS = 0, 1  # sys/resource.h, linux/ioprio.h

# struct seccomp_data: where the number, the machine and the lower half of the first argument are.
NUMBER, ARCH, FIRST_ARGUMENT, ARGUMENT_BYTES = 0, 4, 16, 8
LOAD, RETURN, AND = 0x20, 0x06, 0x54  # linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS, BPF_RET, BPF_ALU | BPF_AND
IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT = 0x15, 0x35, 0x45  # BPF_JMP | BPF_K and BPF_JEQ, BPF_JGE, BPF_JSET


class Instruction(NamedTuple):
    """struct sock_filter, with names for where it goes on; "" is the next one."""

    code: int
    operand: int
    if_true: str = ""
    if_false: str = ""


def seccomp_problem() -> int:
    """Why no filter can be installed: 0 if it can, ENOTSUP for a machine that has no table here, else an errno."""
    if _machine() not in MACHINES:
        return errno.ENOTSUP
    action = struct.pack("=I", REFUSE & 0xFFFF0000)
    return -min(0, _system_call(SECCOMP[_machine()], SECCOMP_GET_ACTION_AVAIL, 0, action))


def filter_program(machine: str, pid: int, netlink: bool) -> bytes:
    """The filter of a process `pid` as classic BPF, an array of struct sock_filter (linux/filter.h)."""
    numbers = {name: row[MACHINES[machine].column] for name, row in NUMBERS.items()}
    looked_at = _looked_at(pid)
    if netlink:
        looked_at["socket"] = _only(0, AF_NETLINK)
        del numbers["bind"]
    program = _block(
        Instruction(LOAD, ARCH),
        Instruction(IF_EQUAL, MACHINES[machine].audit, "", "refuse"),
        Instruction(LOAD, NUMBER),
        Instruction(IF_AT_LEAST, X32_BIT, "refuse", "past"),
    )
    for name, instructions in looked_at.items():
        number = numbers.pop(name)
        if number is not None:
            program += _block(Instruction(IF_EQUAL, number, "", "past"), *instructions)
    return program + _block(*(Instruction(IF_EQUAL, one, "refuse") for one in numbers.values() if one is not None))


def _looked_at(pid: int) -> dict[str, list[Instruction]]:
    """How the calls are judged that are refused only with some arguments; what is not decided is allowed."""
    unknown = [Instruction(RETURN, AS_IF_UNKNOWN)]  # then libc does it with the older call
    of_itself = _only(0, 0, pid)
    return {
        "openat": _open(2),
        "open": _open(1),
        "openat2": unknown,
        "creat": [_load(1), Instruction(IF_ANY_BIT, SET_ID, "refuse")],
        "fcntl": _none_of(1, FCNTL_REFUSED),
        "ioctl": _none_of(1, IOCTL_REFUSED),
        "prctl": _none_of(0, [PR_SET_PDEATHSIG]),  # it ends with the daemon
        "clone": [
            _load(0),
            Instruction(IF_ANY_BIT, CLONE_NEW, "refuse"),
            Instruction(IF_ANY_BIT, CLONE_THREAD, "allow", "refuse"),
        ],
        "clone3": unknown,
        "kill": _only(0, pid),
        "tgkill": _only(0, pid),
        **dict.fromkeys(("prlimit64", "sched_setscheduler", "sched_setparam"), of_itself),
        **dict.fromkeys(("sched_setattr", "sched_setaffinity"), of_itself),
        "setpriority": [_load(0), Instruction(IF_EQUAL, PRIO_PROCESS, "", "refuse"), *_only(1, 0, pid)],
        "ioprio_set": [_load(0), Instruction(IF_EQUAL, IOPRIO_WHO_PROCESS, "", "refuse"), *_only(1, 0, pid)],
    }


def _open(flags: int) -> list[Instruction]:
    """How a file may be opened, with the flags in argument `flags` and the new file's mode behind them: for reading or
    writing, emptied only for writing, and not to run with its maker's rights. Landlock then knows each right it asks.
    """
    return [
        _load(flags),
        Instruction(AND, ACCESS_MODE),
        Instruction(IF_EQUAL, ACCESS_MODE, "refuse"),
        _load(flags),
        Instruction(AND, ACCESS_MODE | TRUNCATES),
        Instruction(IF_EQUAL, TRUNCATES, "refuse"),
        _load(flags),
        Instruction(IF_ANY_BIT, CREATES, "", "allow"),
        _load(flags + 1),
        Instruction(IF_ANY_BIT, SET_ID, "refuse"),
    ]


def _load(argument: int) -> Instruction:
    return Instruction(LOAD, FIRST_ARGUMENT + argument * ARGUMENT_BYTES)


def _only(argument: int, *allowed: int) -> list[Instruction]:
    compared = [Instruction(IF_EQUAL, value, "allow") for value in allowed[:-1]]
    return [_load(argument), *compared, Instruction(IF_EQUAL, allowed[-1], "allow", "refuse")]


def _none_of(argument: int, refused: Sequence[int]) -> list[Instruction]:
    return [_load(argument), *(Instruction(IF_EQUAL, value, "refuse") for value in refused)]


def _block(*instructions: Instruction) -> bytes:
    """A part of the filter that ends in its answers, since a jump reaches no further than 255 instructions; "past" goes
    on behind it.
    """
    closed = [*instructions, Instruction(RETURN, ALLOW), Instruction(RETURN, REFUSE)]
    places = {"allow": len(closed) - 2, "refuse": len(closed) - 1, "past": len(closed)}
    return b"".join(_assembled(closed, places))


def _assembled(program: Sequence[Instruction], places: dict[str, int]) -> Iterable[bytes]:
    for place, instruction in enumerate(program):
        jumps = [places[name] - place - 1 if name else 0 for name in (instruction.if_true, instruction.if_false)]
        yield struct.pack("=HBBI", instruction.code, jumps[0], jumps[1], instruction.operand)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _install(filter_program: bytes) -> None:
    program = _Program(len(filter_program) // 8, filter_program)
    answer = _system_call(
        SECCOMP[_machine()], SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, ctypes.addressof(program)
    )
    _checked("seccomp", answer)


# ---------------------------------------------------------------- both


def _machine() -> str:
    """The machine whose calls this process makes: a 32-bit one on a 64-bit kernel has none in the tables."""
    return os.uname().machine if sys.maxsize > 2**32 else ""


def _system_call(number: int, *arguments: int | bytes | None) -> int:
    """What the kernel answers; minus the errno if that is an error."""
    libc = ctypes.CDLL(None, use_errno=True)
    passed = [ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments]
    libc.syscall.restype = ctypes.c_long
    answer = int(libc.syscall(ctypes.c_long(number), *passed))
    return -ctypes.get_errno() if answer == -1 else answer


def _checked(name: str, answer: int) -> int:
    if answer < 0:
        raise OSError(-answer, f"{name}: {os.strerror(-answer)}")
    return answer
