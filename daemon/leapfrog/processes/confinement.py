"""A child of ours gives up what it does not need, so that whoever takes it over with a damaged picture gains nothing.

This one file needs only the standard library, on Python 3.7 or newer: the engine host runs it too, under a board's own
interpreter. Linux has two ways to do it that need no rights, and both are used by the process itself, from inside:

- Landlock (landlock(7)): of the file system, only named folders are left. They are chosen once and for all: a reader
  that is to see one exam after the other is given each of them in a folder of its own, its desk (`lanes/desk.py`).
- seccomp (seccomp(2)): system calls that nothing here needs are refused with EPERM: no new sockets, no other programs
  or processes, no look into other processes, no namespaces, and no changes to files that Landlock does not cover, such
  as their modes.

Both hold for all that the process becomes, and cannot be taken back. A kernel may lack either; `landlock_abi` and
`seccomp_problem` say so, and what is there is used.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import sys
from pathlib import Path
from typing import Iterable, NamedTuple, Sequence  # noqa: UP035 - Python 3.7

PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
AF_NETLINK = 16  # linux/socket.h


class Rights(NamedTuple):
    """What a process keeps besides its own code, and besides the descriptors that it holds already.

    `readable` and `writable` are files or folders with all that is in them; what is in a writable one may be read,
    made, replaced and removed. `devices` are device nodes, or folders of them. `netlink` is whether it may open a
    netlink socket, from which libusb hears of devices. What does not exist is skipped.
    """

    readable: Sequence[str] = ()
    writable: Sequence[str] = ()
    devices: Sequence[str] = ()
    netlink: bool = False


def confine(rights: Rights, newest_abi: int = 99) -> None:
    """Give up everything but `rights`, as far as this kernel can; of Landlock, what `newest_abi` had at most.

    To be called before there is a second thread: Landlock binds the thread that asks for it, and those that it starts.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
    abi = min(landlock_abi(), newest_abi)
    if abi > 0:
        _restrict_paths(rights, abi)
    if seccomp_problem() == 0:
        _install(filter_program(_machine(), os.getpid(), rights.netlink))


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
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
OF_A_FILE = 1 << 0 | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the others are of folders only
READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_REG  # no links, pipes, sockets, devices or folders
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
    # nothing of other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "kill": (62, 129), "tkill": (200, 130),
    "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "prlimit64": (302, 261),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "shmget": (29, 194), "shmat": (30, 196),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    # no new namespaces, no mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "move_mount": (429, 429), "open_tree": (428, 428), "mount_setattr": (442, 442),
    # nothing of the kernel's that is rarely used and often broken
    "bpf": (321, 280), "perf_event_open": (298, 241), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "userfaultfd": (323, 282),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "fanotify_init": (300, 262), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    # no changes to files that Landlock lets through: modes, owners, times, attributes, and by its ABI 1 and 2 lengths
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "truncate": (76, 45), "mknod": (133, None),
    "mknodat": (259, 33), "symlink": (88, None), "symlinkat": (266, 36), "link": (86, None), "linkat": (265, 37),
}  # fmt: skip
SECCOMP = {"x86_64": 317, "aarch64": 277}

CLONE_THREAD = 0x00010000  # linux/sched.h
CLONE_NEW = 0x7E020000  # the flags of all new namespaces that clone takes

# struct seccomp_data: where the number, the machine and the lower half of the first argument are.
NUMBER, ARCH, FIRST_ARGUMENT = 0, 4, 16
LOAD, RETURN = 0x20, 0x06  # linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS, BPF_RET | BPF_K
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
    looked_at: dict[str, list[Instruction]] = {
        "clone": [
            Instruction(IF_ANY_BIT, CLONE_NEW, "refuse"),
            Instruction(IF_ANY_BIT, CLONE_THREAD, "allow", "refuse"),
        ],
        "kill": [Instruction(IF_EQUAL, pid, "allow", "refuse")],
        "tgkill": [Instruction(IF_EQUAL, pid, "allow", "refuse")],
        "prlimit64": [Instruction(IF_EQUAL, 0, "allow"), Instruction(IF_EQUAL, pid, "allow", "refuse")],
    }
    if netlink:
        looked_at["socket"] = [Instruction(IF_EQUAL, AF_NETLINK, "allow", "refuse")]
        del numbers["bind"]
    program = [Instruction(LOAD, ARCH), Instruction(IF_EQUAL, MACHINES[machine].audit, "", "refuse")]
    program += [Instruction(LOAD, NUMBER)]
    program += [Instruction(IF_AT_LEAST, X32_BIT, "refuse")]
    program += [Instruction(IF_EQUAL, numbers.pop("clone3") or 0, "unknown")]  # then libc makes its threads with clone
    program += [Instruction(IF_EQUAL, numbers.pop(name) or 0, name) for name in looked_at]
    program += [Instruction(IF_EQUAL, number, "refuse") for number in numbers.values() if number is not None]
    program.append(Instruction(RETURN, ALLOW))
    places = {}
    for name, instructions in looked_at.items():
        places[name] = len(program)
        program += [Instruction(LOAD, FIRST_ARGUMENT), *instructions]
    for name, answer in (("allow", ALLOW), ("refuse", REFUSE), ("unknown", AS_IF_UNKNOWN)):
        places[name] = len(program)
        program.append(Instruction(RETURN, answer))
    return b"".join(_assembled(program, places))


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
