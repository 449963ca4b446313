"""What the filter answers to each system call, on both machines, and what is left of the file system by each ABI."""

import ast
import errno
import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from leapfrog.processes import confinement
from leapfrog.processes.confinement import (
    ALLOW,
    AS_IF_UNKNOWN,
    CLONE_THREAD,
    HANDLED,
    MACHINES,
    NUMBERS,
    REFUSE,
    filter_program,
    landlock_abi,
    seccomp_problem,
)
from support.attacks import OF_A_READER
from support.targets import targets

PID = 4711
X86_64, AARCH64 = "x86_64", "aarch64"
HEADERS = {
    X86_64: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    AARCH64: Path("/usr/include/asm-generic/unistd.h"),
}
# How glibc makes a thread (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD and others), and a process.
NEW_THREAD, NEW_PROCESS, NEW_USER_NAMESPACE = 0x003D0F00, 0x01200011, 0x10000000
OF_ITSELF = ("prlimit64", "sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity")
OPENING = {"open": 1, "openat": 2}  # where the flags are; the mode follows
LOOKED_AT = {
    *OPENING, *OF_ITSELF, "openat2", "creat", "fcntl", "ioctl", "prctl", "clone", "clone3", "kill", "tgkill",
    "setpriority", "ioprio_set",
}  # fmt: skip
NEEDED = {  # read, write, mmap, futex, openat, recvmsg, sendmsg, renameat2, fsync, unlinkat
    X86_64: (0, 1, 9, 202, 257, 47, 46, 316, 74, 263),
    AARCH64: (63, 64, 222, 98, 56, 212, 211, 276, 82, 35),
}


def answer(machine: str, number: int, *arguments: int, audit: int | None = None, netlink: bool = False) -> int:
    """What the filter of a process PID answers, as the kernel would run it (linux/filter.h)."""
    audit = MACHINES[machine].audit if audit is None else audit
    data = struct.pack("=IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    program = list(struct.iter_unpack("=HBBI", filter_program(machine, PID, netlink)))
    place, register = 0, 0
    while True:
        code, if_true, if_false, operand = program[place]
        place += 1
        if code == 0x20:
            (register,) = struct.unpack_from("=I", data, operand)
        elif code == 0x06:
            return int(operand)
        elif code == 0x54:
            register &= operand
        else:
            holds = {0x15: register == operand, 0x35: register >= operand, 0x45: bool(register & operand)}[code]
            place += if_true if holds else if_false


def number_of(machine: str, name: str) -> int:
    number = NUMBERS[name][MACHINES[machine].column]
    assert number is not None
    return number


@pytest.mark.parametrize("machine", MACHINES)
class TestFilter:
    def test_what_is_named_is_refused(self, machine: str) -> None:
        for name, numbers in NUMBERS.items():
            number = numbers[MACHINES[machine].column]
            if number is not None and name not in LOOKED_AT:
                assert answer(machine, number) == REFUSE, name

    def test_what_a_reader_needs_is_allowed(self, machine: str) -> None:
        assert {answer(machine, number) for number in NEEDED[machine]} == {ALLOW}

    def test_threads_may_be_made_and_nothing_else(self, machine: str) -> None:
        clone = number_of(machine, "clone")
        assert answer(machine, clone, NEW_THREAD) == ALLOW
        assert answer(machine, clone, NEW_PROCESS) == REFUSE
        assert answer(machine, clone, CLONE_THREAD | NEW_USER_NAMESPACE) == REFUSE
        assert answer(machine, number_of(machine, "clone3")) == AS_IF_UNKNOWN

    @pytest.mark.parametrize("call", ["kill", "tgkill"])
    def test_only_the_process_itself_may_be_signalled(self, machine: str, call: str) -> None:
        assert answer(machine, number_of(machine, call), PID) == ALLOW
        assert {answer(machine, number_of(machine, call), other) for other in (0, 1, PID + 1, 2**32 - 1)} == {REFUSE}

    @pytest.mark.parametrize("call", OF_ITSELF)
    def test_only_its_own_limits_and_scheduling_may_be_changed(self, machine: str, call: str) -> None:
        assert [answer(machine, number_of(machine, call), pid) for pid in (0, PID, 1)] == [ALLOW, ALLOW, REFUSE]

    @pytest.mark.parametrize(("call", "process"), [("setpriority", 0), ("ioprio_set", 1)])
    def test_only_its_own_priority_may_be_changed(self, machine: str, call: str, process: int) -> None:
        number = number_of(machine, call)
        assert [answer(machine, number, process, pid) for pid in (0, PID, 1)] == [ALLOW, ALLOW, REFUSE]
        assert {answer(machine, number, kind, 0) for kind in range(4) if kind != process} == {REFUSE}

    @pytest.mark.parametrize(
        ("flags", "mode", "expected"),
        [
            (os.O_RDONLY, 0, ALLOW),
            (os.O_RDONLY, 0o7777, ALLOW),  # without O_CREAT, what stands there means nothing
            (os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666, ALLOW),
            (os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0, ALLOW),
            (os.O_RDONLY | os.O_TRUNC, 0, REFUSE),
            (os.O_RDONLY | os.O_TRUNC | os.O_CREAT, 0o600, REFUSE),
            (3, 0, REFUSE),
            (3 | os.O_TRUNC | os.O_CLOEXEC, 0, REFUSE),
            (os.O_WRONLY | os.O_CREAT, 0o4600, REFUSE),
            (os.O_RDONLY | os.O_CREAT, 0o2600, REFUSE),
            (os.O_RDWR | 0o20000000, 0o4600, REFUSE),  # O_TMPFILE
        ],
    )
    def test_how_a_file_may_be_opened(self, machine: str, flags: int, mode: int, expected: int) -> None:
        for call, place in OPENING.items():
            number = NUMBERS[call][MACHINES[machine].column]
            if number is not None:
                assert answer(machine, number, *[7] * place, flags, mode) == expected, call

    def test_no_other_call_opens_files_in_ways_that_cannot_be_seen(self, machine: str) -> None:
        assert answer(machine, number_of(machine, "openat2")) == AS_IF_UNKNOWN
        if machine == X86_64:
            call = number_of(machine, "creat")
            assert [answer(machine, call, 7, mode) for mode in (0o600, 0o4600, 0o2600)] == [ALLOW, REFUSE, REFUSE]

    def test_what_a_descriptor_may_be_told(self, machine: str) -> None:
        fcntl, ioctl = number_of(machine, "fcntl"), number_of(machine, "ioctl")
        assert {answer(machine, fcntl, 8, one) for one in (0, 1, 2, 3, 4, 1030)} == {ALLOW}
        assert {answer(machine, fcntl, 0, one) for one in (8, 10, 15, 1024, 1026, 1040)} == {REFUSE}
        assert {answer(machine, ioctl, 8, one) for one in (0x5401, 0x5421, 0x541B, 0x5451)} == {ALLOW}
        assert {answer(machine, ioctl, 0, one) for one in (0x8901, 0x8902, 0x5412, 0x541C, 0x5423)} == {REFUSE}
        assert {answer(machine, ioctl, 0, one) for one in (0x40086602, 0x401C5820, 0x40806685)} == {REFUSE}

    def test_it_ends_with_its_parent(self, machine: str) -> None:
        assert [answer(machine, number_of(machine, "prctl"), option) for option in (1, 15)] == [REFUSE, ALLOW]

    def test_with_a_device_only_netlink_sockets_may_be_made(self, machine: str) -> None:
        call = number_of(machine, "socket")
        assert [answer(machine, call, family, netlink=True) for family in (16, 1, 2, 10)] == [ALLOW] + 3 * [REFUSE]
        assert answer(machine, number_of(machine, "bind"), netlink=True) == ALLOW
        assert answer(machine, number_of(machine, "connect"), netlink=True) == REFUSE

    def test_the_calls_of_another_machine_are_refused(self, machine: str) -> None:
        for audit in (0x40000003, 0x40000028, 0xC00000B7 if machine == X86_64 else 0xC000003E):  # i386, arm, the other
            assert {answer(machine, number, audit=audit) for number in NEEDED[machine]} == {REFUSE}

    def test_the_second_numbering_of_x86_64_is_refused(self, machine: str) -> None:
        assert answer(machine, 0x40000000 | NEEDED[machine][0]) == REFUSE

    def test_the_numbers_are_the_kernel_s_own(self, machine: str) -> None:
        if not HEADERS[machine].exists():
            pytest.skip(f"{HEADERS[machine]} is not installed")
        known = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
        for name, number in known:
            if name in NUMBERS:
                assert NUMBERS[name][MACHINES[machine].column] == int(number), name


def test_python_3_7_understands_it() -> None:
    path = Path(confinement.__file__)
    tree = ast.parse(path.read_text(), feature_version=(3, 7))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= set(sys.stdlib_module_names)


# ---------------------------------------------------------------- in a process

PROGRAM = """
import json, os, sys
from leapfrog.processes import confinement
from support.attacks import OF_A_READER, TARGETS, try_all
targets = json.loads(os.environ[TARGETS])
abi, seccomp, attacks = json.loads(sys.argv[1])
if not seccomp:
    confinement.seccomp_problem = lambda: 1
confinement.confine(confinement.Rights([os.path.dirname(targets["given"])], [targets["own"]]), newest_abi=abi)
print(json.dumps(try_all({name: OF_A_READER[name] for name in attacks})))
"""
OF_FILES = (
    "open the journal", "open a key", "open another exam", "list the spool", "open the list of users",
    "look into another process", "write a file elsewhere", "overwrite the journal", "remove the journal",
    "move a file elsewhere", "make a folder",
)  # fmt: skip

OF_LIMITS = ("fill the disk",)


def tried(folder: Path, attacks: Sequence[str], *, abi: int = max(HANDLED), seccomp: bool = True) -> dict[str, str]:
    """What comes of each attack in a process that was confined with no newer Landlock than `abi` (0: none)."""
    tests = str(Path(__file__).parents[2])
    with targets(folder) as environment:
        path = os.pathsep.join((tests, os.environ.get("PYTHONPATH", "")))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps([abi, seccomp, list(attacks)])],
            env={**os.environ, **environment, "PYTHONPATH": path}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return dict(json.loads(done.stdout))


needs_landlock = pytest.mark.skipif(landlock_abi() < 1, reason="this kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(seccomp_problem() != 0, reason="this kernel has no seccomp")


@needs_landlock
@needs_seccomp
@pytest.mark.parametrize("abi", [1, 2, max(HANDLED)])
def test_nothing_succeeds_whatever_the_kernel_s_landlock_can_do(tmp_path: Path, abi: int) -> None:
    came_of = tried(tmp_path / "state", list(OF_A_READER), abi=abi)
    assert {attack for attack, error in came_of.items() if not error} == set()
    assert set(came_of.values()) <= {"EPERM", "EACCES", "EXDEV", "EFBIG"}


@needs_landlock
@pytest.mark.parametrize("abi", [1, max(HANDLED)])
def test_landlock_alone_keeps_files_closed(tmp_path: Path, abi: int) -> None:
    assert set(tried(tmp_path / "state", OF_FILES, abi=abi, seccomp=False).values()) <= {"EACCES", "EXDEV"}


@needs_seccomp
def test_seccomp_alone_refuses_what_is_not_of_files(tmp_path: Path) -> None:
    others = [attack for attack in OF_A_READER if attack not in (*OF_FILES, *OF_LIMITS)]
    assert set(tried(tmp_path / "state", others, abi=0).values()) == {"EPERM"}


def test_what_is_missing_is_known_by_its_errno(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "_system_call", lambda *_: -errno.ENOSYS)
    assert confinement.landlock_abi() == -errno.ENOSYS
    assert confinement.seccomp_problem() == errno.ENOSYS
    monkeypatch.setattr(confinement, "_machine", lambda: "riscv64")
    assert confinement.seccomp_problem() == errno.ENOTSUP


FOLDERS_MADE = """
import os, sys
from leapfrog.processes.confinement import Rights, confine
scratch, desk = sys.argv[1:]
confine(Rights(writable=[desk], scratch=[scratch]))
os.mkdir(scratch + "/mine")
os.rmdir(scratch + "/mine")
try:
    os.mkdir(desk + "/mine")
except PermissionError:
    print("refused")
"""


@needs_landlock
def test_folders_are_made_in_a_scratch_folder_only(tmp_path: Path) -> None:
    folders = [tmp_path / "scratch", tmp_path / "desk"]
    for folder in folders:
        folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FOLDERS_MADE, *map(str, folders)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"
