"""A district's server: `config/district/set-up` run in a machine of its own, with PostgreSQL, Orthancs and nginx under
a real systemd. It has nothing of this machine but its files, as they were.
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import leapfrog
from support.systemd_machine import BootedMachine, why_not

SET_UP = Path(__file__).resolve().parents[2] / "config" / "district" / "set-up"
PROGRAMS = ("pg_createcluster", "pgbackrest", "rsync", "nginx", "openssl", "curl")
PLUGINS = Path("/usr/share/orthanc/plugins")
NEEDED_PLUGINS = ("PostgreSQLIndex", "PostgreSQLStorage", "DicomWeb", "WebViewer", "Gdcm", "Python")
BOXES_PORT, READERS_PORT = 443, 8443
LEAPFROG = "/usr/local/bin/leapfrog"
FLEET_SERVICE = "leapfrog-district-fleet.service"
TARGET = "leapfrog-district-test.target"
# No other unit of the machine below: its disks, terminals and network are none of ours.
NO_OTHER_UNITS = "[Unit]\nDefaultDependencies=no\n"
REPLACED = (TARGET, "sysinit.target", "basic.target", "multi-user.target")


def why_no_district() -> str:
    """Why no district can be set up here; '' when it can."""
    if reason := why_not():
        return reason
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    missing += [name for name in NEEDED_PLUGINS if not (PLUGINS / f"libOrthanc{name}.so").exists()]
    return f"not installed: {', '.join(missing)}" if missing else ""


class District(BootedMachine):
    """The machine, before `set_up`."""

    def __init__(self, directory: Path, *, on_disk: bool = False) -> None:
        """`directory` is an empty folder of the test; what is written goes to its disk with `on_disk`,
        else to memory.
        """
        super().__init__(directory, TARGET)
        units = directory / "installed/etc/systemd/system"
        units.mkdir(parents=True)
        for unit in REPLACED:
            (units / unit).write_text(NO_OTHER_UNITS)
        for unit in ("tmp.mount", "systemd-tmpfiles-setup.service"):  # they empty /tmp, where the checkout may lie
            (units / unit).symlink_to("/dev/null")
        for folder in ("sysusers.d", "tmpfiles.d"):  # what boot_systemd.sh looks for
            made = directory / "installed/etc" / folder / "leapfrog-district-test.conf"
            made.parent.mkdir()
            made.touch()
        if on_disk:
            (directory / "on-disk").touch()

    def install_leapfrog(self) -> None:
        """Leapfrog as a district has it, for sticks and the page of all boxes: the one under test."""
        program = self.path(LEAPFROG)
        program.parent.mkdir(parents=True, exist_ok=True)
        package = Path(leapfrog.__file__).parents[1]
        program.write_text(f'#!/bin/sh\nPYTHONPATH={package} exec {sys.executable} -m leapfrog "$@"\n')
        program.chmod(0o755)
        # The checkout that the tests run may lie where nobody's programs do.
        drop_in = self.path(f"/etc/systemd/system/{FLEET_SERVICE}.d/test.conf")
        drop_in.parent.mkdir(parents=True)
        drop_in.write_text("[Service]\nPrivateTmp=no\nProtectHome=no\n")

    def set_up(self, *options: str) -> str:
        """Run `set-up` and return what it said. Raises AssertionError when it fails."""
        self.do("systemd-tmpfiles", "--create", "postgresql-common.conf", "--prefix=/run/postgresql")
        return self.do(str(SET_UP), "--no-packages", "--name", "127.0.0.1", *options)

    def admit_reader(self, login: str) -> None:
        """Let in whoever says NAME:PASSWORD at the readers' port, and nobody else."""
        name, _, password = login.partition(":")
        hashed = self.do("openssl", "passwd", "-6", password).strip()
        self.path("/etc/leapfrog-district/passwords").write_text(f"{name}:{hashed}\n")

    def do(self, *command: str) -> str:
        """Run a command in the machine and return what it said. Raises AssertionError when it fails."""
        done = self.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def issue(self, box: str, *options: str) -> Path:
        """A certificate for a box; the folder that holds it, as it is called inside."""
        self.do("district-authority", "issue", box, *options)
        return Path("/etc/leapfrog-district/authority/issued") / box

    def curl(self, *arguments: str, box: Path | None = None) -> tuple[int, str]:
        """Ask with curl, perhaps as a box; status and body."""
        tls = ["--cacert", "/etc/leapfrog-district/tls/authority.pem"]
        if box:
            tls += ["--cert", str(box / "client.pem"), "--key", str(box / "client.key")]
        answer = self.do("curl", "-s", "-w", "\n%{http_code}", *tls, *arguments)
        body, _, status = answer.rpartition("\n")
        return int(status), body

    def ask_orthanc(self, number: int, path: str) -> Any:
        """What one of the Orthancs answers to an administrator."""
        return json.loads(self.do("curl", "-sf", f"http://127.0.0.1:810{number}{path}"))

    def held(self, number: int = 1) -> Counter[str]:
        """How often an Orthanc holds each SOP Instance UID."""
        return Counter(one["MainDicomTags"]["SOPInstanceUID"] for one in self.ask_orthanc(number, "/instances?expand"))

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the machine."""
        return subprocess.Popen(
            [*self.way_in(), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
