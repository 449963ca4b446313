"""A CUPS of its own on this machine: its configuration, spool and socket lie in a folder of a test, and so do the
printers that it prints on.
"""

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from support.ports import free_port
from support.waiting import wait_until

CUPSD, IPPEVEPRINTER, AVAHI = "/usr/sbin/cupsd", "/usr/sbin/ippeveprinter", "/usr/sbin/avahi-daemon"
DRIVER = "drv:///sample.drv/generic.ppd"  # a PostScript laser printer
START_SECONDS = 20.0
PRINTED_BY = "lp"  # CUPS's own user, who prints
# As Debian has it: who may see and cancel whose jobs.
POLICY = """
<Policy default>
  JobPrivateAccess default
  JobPrivateValues default
  <Limit Create-Job Print-Job Print-URI Validate-Job>
    Order deny,allow
  </Limit>
  <Limit Send-Document Send-URI Hold-Job Release-Job Restart-Job Purge-Jobs Cancel-My-Jobs Close-Job>
    Require user @OWNER @SYSTEM
    Order deny,allow
  </Limit>
  <Limit Cancel-Job CUPS-Authenticate-Job>
    Require user @OWNER @SYSTEM
    Order deny,allow
  </Limit>
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
"""
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow receive_type="method_call"/><allow receive_type="signal"/>
<allow receive_type="method_return"/><allow receive_type="error"/></policy></busconfig>
"""
AVAHI_CONFIGURATION = """[server]
use-ipv6=no
allow-interfaces=lo
enable-dbus=yes
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
"""


def missing_for_cups() -> str:
    """Why no CUPS can be run here; "" if it can."""
    if not Path(CUPSD).exists() or not shutil.which("lpadmin") or not shutil.which("gs"):
        return "CUPS is not installed (cups, cups-client, cups-filters, ghostscript)"
    return "" if os.geteuid() == 0 else "only root can run a CUPS of its own"


def missing_for_paper() -> str:
    """Why no IPP printer can be run here; "" if it can."""
    if missing := missing_for_cups():
        return missing
    if not Path(IPPEVEPRINTER).exists() or not Path(AVAHI).exists() or not shutil.which("dbus-daemon"):
        return "ippeveprinter is not installed (cups-ipp-utils, avahi-daemon, dbus)"
    return "another avahi-daemon runs here" if Path("/run/avahi-daemon/pid").exists() else ""


class _Programs:
    """Programs that are started, and ended by their own process ids."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
            )
        self._running.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._running.remove(process)

    def end_all(self) -> None:
        for process in reversed(self._running[:]):
            self.end(process)


class Cups:
    """A print server, from `with` on."""

    def __init__(self, directory: Path, *, listen: bool = False, settings: str = "") -> None:
        """`directory` needs a short path, for the socket. `listen`: on a port too. `settings`: lines of cupsd.conf."""
        self.directory = directory
        self.socket = directory / "run" / "cups.sock"
        self.port = free_port() if listen else 0
        self._settings = settings
        self._programs = _Programs(directory / "programs.log")
        self._cupsd: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """With which a CUPS program, or Leapfrog, finds it."""
        return {"CUPS_SERVER": str(self.socket)}

    def __enter__(self) -> Self:
        for name in ("etc", "cache", "run", "log"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        for name in ("spool", "tmp", "paper"):
            (self.directory / name).mkdir(exist_ok=True)
            shutil.chown(self.directory / name, group=PRINTED_BY)
            # Sticky as CUPS has them, but the folder of paper, whose files are its own user's: a kernel that protects
            # regular files (fs.protected_regular = 2) would not let CUPS, which is root, open them there.
            (self.directory / name).chmod(0o770 if name == "paper" else 0o1770)
        self.directory.chmod(0o711)
        folders = {
            "ServerRoot": "etc",
            "RequestRoot": "spool",
            "CacheDir": "cache",
            "StateDir": "run",
            "TempDir": "tmp",
        }
        logs = {"AccessLog": "log/access", "ErrorLog": "log/error", "PageLog": "log/page"}
        files = [f"{key} {self.directory / name}" for key, name in {**folders, **logs}.items()]
        (self.directory / "etc" / "cups-files.conf").write_text(
            "\n".join([*files, "SystemGroup root", "FileDevice Yes", ""])
        )
        listen = [f"Listen 127.0.0.1:{self.port}"] if self.port else []
        server = ["LogLevel info", f"Listen {self.socket}", *listen, "Browsing No", "WebInterface No"]
        location = "<Location />\n  Order allow,deny\n</Location>\n"
        (self.directory / "etc" / "cupsd.conf").write_text("\n".join([*server, self._settings, POLICY, location]))
        return self.start()

    def start(self) -> Self:
        """Start it, or start it again."""
        etc = self.directory / "etc"
        self._cupsd = self._programs.start(CUPSD, "-f", "-c", etc / "cupsd.conf", "-s", etc / "cups-files.conf")
        wait_until(lambda: "is running" in self.command("lpstat", "-r"), "CUPS runs", deadline_seconds=START_SECONDS)
        return self

    def stop(self) -> None:
        """End it, as when its machine is turned off."""
        if self._cupsd is not None:
            self._programs.end(self._cupsd)
            self._cupsd = None

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._programs.end_all()

    def command(self, *command: str) -> str:
        """Run a CUPS program; returns what it printed."""
        done = subprocess.run(
            command, env={**os.environ, **self.environment, "LC_ALL": "C"}, capture_output=True, text=True, check=False
        )
        return done.stdout

    def add_laser(self, name: str = "laser", *options: str) -> Path:
        """A queue with a driver, whose device is a file; returns that: it has the PostScript of the last sheet."""
        paper = self.directory / "paper" / f"{name}.ps"
        paper.touch()
        shutil.chown(paper, PRINTED_BY, PRINTED_BY)
        self.command("lpadmin", "-p", name, "-E", "-v", f"file:{paper}", "-m", DRIVER, *options)
        return paper

    def jobs(self, which: str = "all") -> list[str]:
        """The lines of `lpstat -W`: the jobs that are there, `completed`, `not-completed` or both."""
        kinds = ("not-completed", "completed") if which == "all" else (which,)
        return [line for kind in kinds for line in self.command("lpstat", "-W", kind, "-o").splitlines()]

    def pages(self) -> list[str]:
        """The lines of CUPS's page log, one for each job that used paper; %J is the job's name."""
        log = self.directory / "log" / "page"
        return log.read_text(errors="replace").splitlines() if log.exists() else []

    def add_paper_printer(self, name: str = "office") -> "PaperPrinter":
        """An IPP printer on this machine, which is not yet a queue of this CUPS."""
        return PaperPrinter(self, name, self._programs)


class PaperPrinter:
    """ippeveprinter: it keeps each sheet as a file, and its paper can be taken out."""

    def __init__(self, cups: Cups, name: str, programs: _Programs) -> None:
        """Start it, with a private D-Bus and an Avahi on the loopback interface, which it cannot do without."""
        folder = cups.directory / name
        self.sheets = folder / "sheets"
        self.sheets.mkdir(parents=True)
        self._programs = programs
        self._name = name
        self.port = free_port()
        bus, self._bus_socket = folder / "bus.conf", folder / "bus"
        bus.write_text(BUS.format(socket=self._bus_socket))
        avahi = folder / "avahi.conf"
        avahi.write_text(AVAHI_CONFIGURATION)
        programs.start("dbus-daemon", f"--config-file={bus}", "--nofork", "--nopidfile")
        wait_until(self._bus_socket.exists, "D-Bus runs", deadline_seconds=START_SECONDS)
        Path("/run/avahi-daemon").mkdir(exist_ok=True)
        programs.start(
            AVAHI, "-f", avahi, "--no-drop-root", "--no-chroot", "--no-rlimits", environment=self._environment
        )
        time.sleep(0.5)
        self._process: subprocess.Popen[bytes] | None = None
        self.turn_on()

    @property
    def _environment(self) -> dict[str, str]:
        return {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._bus_socket}"}

    @property
    def address(self) -> str:
        """Its own address."""
        return f"ipp://localhost:{self.port}/ipp/print"

    def turn_on(self) -> None:
        """Turn it on, with paper in it."""
        self._process = self._programs.start(
            *(IPPEVEPRINTER, "-k", "-d", self.sheets, "-p", str(self.port), "-n", "localhost"),
            *("-f", "application/pdf", "-c", "/bin/true", self._name),  # else it takes 5 to 15 s for each sheet
            environment=self._environment,
        )
        wait_until(self._answers, "the printer answers", deadline_seconds=START_SECONDS)
        self.fill()

    def turn_off(self) -> None:
        """Turn it off. What it had printed stays."""
        if self._process is not None:
            self._programs.end(self._process)
            self._process = None

    def fill(self) -> None:
        """Put paper in."""
        self._set_paper(250)

    def take_paper_out(self) -> None:
        """Take all paper out."""
        self._set_paper(0)

    def _set_paper(self, sheets: int) -> None:
        # It counts the last tray only.
        trays = {"size1": "iso_a4_210x297mm", "type1": "stationery", "size3": "iso_dl_110x220mm", "type3": "envelope"}
        form = {**trays, "level1": sheets, "level3": min(sheets, 25)}
        self._get(f"/media?{urlencode(form)}")

    def _answers(self) -> bool:
        try:
            return bool(self._get("/"))
        except OSError:
            return False

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://localhost:{self.port}{path}", timeout=5) as answer:
            content: bytes = answer.read()
        return content

    def printed(self) -> list[Path]:
        """The sheets that came out, as files."""
        return sorted(path for path in self.sheets.iterdir() if path.stat().st_size)
