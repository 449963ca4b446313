"""A systemd of its own that runs units as a real machine would, Leapfrog's among them, over a copy-on-write view of
this machine.
"""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import leapfrog
from leapfrog.commands.install import Extras, install
from support.waiting import wait_until

SCRIPT = Path(__file__).with_name("boot_systemd.sh")
PROGRAMS = ("unshare", "nsenter", "ip", "systemd-sysusers", "systemd-tmpfiles", "systemctl")
BOOT_SECONDS = 30.0
RUN_SECONDS = 120.0  # that a command may take in there
UNIT = "leapfrog.service"
LOG = "/var/log/leapfrog-test.log"
# What differs from a real box: no other units, a log file instead of the journal daemon, a watchdog that bites soon.
DROP_IN = f"""\
[Unit]
DefaultDependencies=no
[Service]
StandardOutput=append:{LOG}
StandardError=append:{LOG}
WatchdogSec=5
TimeoutAbortSec=1
RestartSec=0.2
"""


def why_not() -> str:
    """Why no such machine can be booted here; '' when it can."""
    if os.geteuid() != 0:
        return "booting a systemd of its own needs root"
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"booting a systemd of its own needs {', '.join(missing)}"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    probe = subprocess.run(
        ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "sh", "-c",
         "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && mkdir /mnt/c && mount -t cgroup2 cgroup2 /mnt/c"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f"this machine does not let root make namespaces: {probe.stderr.strip()}" if probe.returncode else ""


class BootedMachine:
    """Boots one unit, with `directory`/installed laid over the files of this machine."""

    def __init__(self, directory: Path, unit: str) -> None:
        """`directory` is a folder of the test."""
        self.directory = directory
        self.unit = unit
        self._name = f"leapfrog-test-{uuid4().hex[:12]}"
        self._console = bytearray()
        self._process: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Boot and return at once; `wait_for_state` tells how the unit is."""
        master, slave = os.openpty()
        reader = threading.Thread(target=self._read_console, args=(master,), daemon=True)
        self._process = subprocess.Popen(
            [str(SCRIPT), "enter", self._name, str(self.directory), os.ttyname(slave), self.unit, *needed_paths()],
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        reader.start()
        wait_until(self._answers, "the machine's systemd answers", deadline_seconds=BOOT_SECONDS)

    def _read_console(self, master: int) -> None:
        with os.fdopen(master, "rb", buffering=0) as console:
            try:
                while part := console.read(4096):
                    self._console += part
            except OSError:  # a terminal whose other side is closed gives an error, not an end
                return

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"the machine did not boot:\n{self.console()}")
        return self._init_pid() != 0 and self.run("systemctl", "show", "--property=Version").returncode == 0

    def _init_pid(self) -> int:
        assert self._process is not None
        try:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            if not children or Path(f"/proc/{children[0]}/comm").read_text().strip() != "systemd":
                return 0
        except (FileNotFoundError, ProcessLookupError):  # a child that ended between the two looks
            return 0
        return int(children[0])

    def console(self) -> str:
        """What the machine's systemd said."""
        return self._console.decode(errors="replace")

    def log(self) -> str:
        """What the daemon wrote to its standard error."""
        return self.run("cat", LOG).stdout

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as root inside the machine."""
        return subprocess.run(
            [*self.way_in(), *command], capture_output=True, text=True, check=False, timeout=RUN_SECONDS
        )

    def way_in(self) -> list[str]:
        """What to put before a command line so that it runs as root inside the machine."""
        spaces = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
        return ["nsenter", f"--target={self._init_pid()}", *spaces]

    def way_into_network(self) -> list[str]:
        """What to put before a command line so that it has the machine's network, and everything else from here."""
        return ["nsenter", f"--net=/proc/{self._init_pid()}/ns/net"]

    def path(self, inside: str) -> Path:
        """Where a path of the machine is seen from outside."""
        return Path(f"/proc/{self._init_pid()}/root{inside}")

    def systemctl(self, *arguments: str) -> None:
        """Run systemctl; raises AssertionError with the console when it fails."""
        done = self.run("systemctl", *arguments)
        assert done.returncode == 0, f"systemctl {arguments}: {done.stderr}\n{self.console()}\n{self.log()[-4000:]}"

    def show(self, key: str) -> str:
        """One property of the unit, such as MainPID (a number inside the machine) or NRestarts."""
        return self.run("systemctl", "show", "--value", f"--property={key}", self.unit).stdout.strip()

    def wait_for_state(self, state: str, *, deadline_seconds: float = BOOT_SECONDS) -> None:
        """Wait until ActiveState is `state`. Raises AssertionError with console and log when it does not get there."""
        try:
            wait_until(
                lambda: self.show("ActiveState") == state, f"the unit is {state}", deadline_seconds=deadline_seconds
            )
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.console()}\n{self.log()[-4000:]}") from None

    def processes(self) -> list[int]:
        """Numbers, inside the machine, of all processes of the unit."""
        found = self.run("cat", f"/sys/fs/cgroup/system.slice/{self.unit}/cgroup.procs")
        return [int(line) for line in found.stdout.split()]

    def __enter__(self) -> Self:
        try:
            self.boot()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        subprocess.run([str(SCRIPT), "clean", self._name], check=True)


class SystemdMachine(BootedMachine):
    """Boots Leapfrog's unit, as `leapfrog install` lays it out, with `settings` as its settings file."""

    def __init__(self, directory: Path, settings: str, extras: Extras | None = None) -> None:
        """`directory` is an empty folder of the test."""
        super().__init__(directory, UNIT)
        installed = directory / "installed"
        install(installed, extras or Extras())
        (installed / "etc/leapfrog/leapfrog.toml").write_text(settings)
        drop_in = installed / f"etc/systemd/system/{UNIT}.d/test.conf"
        drop_in.parent.mkdir()
        drop_in.write_text(DROP_IN + _relaxations())


def needed_paths() -> list[str]:
    """What the daemon runs from: the environment, the Python below it, and the checkout when installed editable."""
    base = os.path.realpath(sys.base_prefix)
    package = Path(leapfrog.__file__).resolve().parent
    return list(dict.fromkeys((sys.prefix, base, sys.base_prefix, str(package))))


def _relaxations() -> str:
    """A checkout may lie where a service may not look, and not be what is installed."""
    needed = needed_paths()
    lines = [f"Environment=PYTHONPATH={Path(leapfrog.__file__).resolve().parents[1]}"]  # the Leapfrog under test
    if any(Path(path).parts[1] in {"home", "root"} for path in needed):
        lines.append("ProtectHome=no")
    if any(path.startswith(("/tmp/", "/var/tmp/")) for path in needed):
        lines.append("PrivateTmp=no")
    return "\n".join([*lines, ""])
