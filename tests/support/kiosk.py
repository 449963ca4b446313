"""A real box: the daemon as a child process, with a state directory, settings and ports of its own."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from leapfrog.control.control_socket import ask_daemon
from leapfrog.errors import DaemonNotRunning
from leapfrog.state.journal import JOURNAL_NAME
from support.ports import free_port
from support.toml import toml_document
from support.waiting import wait_until

START_SECONDS = 30.0
STOP_SECONDS = 30.0
ORPHAN_SECONDS = 10.0
MARKER = "LEAPFROG_TEST_KIOSK"  # in the environment of the daemon, which its children inherit


class Kiosk:
    """One box. It keeps its state, port and settings over `stop`, `kill` and `start`."""

    def __init__(
        self, directory: Path, *, destination: Sequence[Mapping[str, object]] = (), **sections: Mapping[str, object]
    ) -> None:
        """`sections` are tables of the settings file, such as district={"url": ...}; they go over quick defaults.
        `destination` are those of that name, of which there may be several.
        """
        self.directory = directory
        self.state_dir = directory / "state"
        self.log_file = directory / "daemon.log"
        self.settings_file = directory / "leapfrog.toml"
        self.wrapper: Sequence[str] = ()  # a command line that the daemon's own is put behind
        self.port = free_port()
        self._marker = uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.configure(destination=destination, **sections)

    def configure(self, *, destination: Sequence[Mapping[str, object]] = (), **sections: Mapping[str, object]) -> None:
        """Write the settings file anew; a running daemon does not look at it again. Where the state, reports or
        folders are elsewhere, `state_dir`, `reports_dir` and `inbox` follow.
        """
        defaults: dict[str, dict[str, object]] = {
            "station": {"name": "Test clinic", "state_dir": str(self.state_dir)},
            "dicom": {"host": "127.0.0.1", "port": self.port},
            "folder": {"settle_seconds": 0.2, "rescan_seconds": 0.5},
            "engine": {"device": "cpu", "threads": 1},
            "report": {"quiet_seconds": 1.0},
            "retention": {"min_free_bytes": 0},
        }
        for name, section in sections.items():
            defaults.setdefault(name, {}).update(section)
        self.state_dir = Path(str(defaults["station"]["state_dir"]))
        self.spool_dir = self.state_dir / "spool"
        self.reports_dir = Path(str(defaults["station"].get("reports_dir", self.state_dir / "reports")))
        paths = defaults["folder"].get("paths")
        self.inbox = Path(str(paths[0])) if isinstance(paths, Sequence) else self.state_dir / "inbox"
        self.settings_file.write_text(toml_document(defaults, {"destination": destination}), encoding="utf-8")

    # ------------------------------------------------------------ life and death

    def start(self, *, environment: Mapping[str, str] | None = None) -> Self:
        """Start the daemon and return once it listens. Raises AssertionError with the end of its log otherwise."""
        self.launch(environment=environment)
        wait_until(self._listens_or_died, "the daemon listens", deadline_seconds=START_SECONDS)
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log()[-4000:]}")
        return self

    def launch(self, *, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the daemon and return at once."""
        if self._process is not None and self._process.poll() is None:
            raise RuntimeError("the daemon of this kiosk runs already")
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.wrapper, *self.command_line("run")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, MARKER: self._marker, **(environment or {})},
            )
        return self._process

    def _listens_or_died(self) -> bool:
        if self.process.poll() is not None:
            return True
        try:
            return bool(self.status()["listening"])
        except DaemonNotRunning:
            return False

    def wait_until_ready(self, *, deadline_seconds: float = 60.0) -> Self:
        """Wait until a reader and its model are ready; the daemon listens before that."""
        wait_until(
            lambda: self.status()["device"] not in ("starting", ""),
            "a reader is ready",
            deadline_seconds=deadline_seconds,
        )
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The daemon's process, running or ended."""
        if self._process is None:
            raise RuntimeError("the daemon of this kiosk was never started")
        return self._process

    def stop(self) -> int:
        """SIGTERM; returns the exit status once the daemon has ended."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """kill -9, as a power cut does to a process."""
        self.process.kill()
        self.process.wait()

    def orphans(self) -> list[int]:
        """Processes that this kiosk's daemons started and that still run."""
        return [pid for pid in _processes() if pid != self._daemon_pid() and self._is_ours(pid)]

    def children(self, name: str) -> list[int]:
        """Processes of this kiosk whose command line has `name` in it, such as processes.READER."""
        return [pid for pid in self.orphans() if name in _command_line(pid)]

    def kill_child(self, name: str) -> bool:
        """kill -9 to one such process; returns whether there was one."""
        for pid in self.children(name):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def _daemon_pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def _is_ours(self, pid: int) -> bool:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:  # it ended meanwhile, or belongs to somebody else
            return False
        return f"{MARKER}={self._marker}".encode() in environment and state != "Z"

    def wait_for_no_orphans(self) -> None:
        """Raises AssertionError when children outlive the daemon; those that still run are ended."""
        try:
            wait_until(lambda: not self.orphans(), "no child outlives the daemon", deadline_seconds=ORPHAN_SECONDS)
        finally:
            for pid in self.orphans():
                os.kill(pid, signal.SIGKILL)

    # ------------------------------------------------------------ what it says

    def ask(self, command: str, **arguments: Any) -> Any:
        """What the daemon answers on its control socket; quicker than a command of its own."""
        return ask_daemon(self.state_dir, command, **arguments)

    def status(self) -> dict[str, Any]:
        """What `leapfrog status --json` would print, asked at the control socket."""
        answer: dict[str, Any] = self.ask("status")
        return answer

    def command_line(self, *arguments: str) -> list[str]:
        """`leapfrog ARGUMENTS --config FILE`."""
        return [sys.executable, "-m", "leapfrog", *arguments, "--config", str(self.settings_file)]

    def command(self, *arguments: str, timeout_seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run `leapfrog ARGUMENTS --config FILE` to its end."""
        return subprocess.run(
            self.command_line(*arguments),
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )

    def command_json(self, *arguments: str) -> Any:
        """What `leapfrog ARGUMENTS --json` prints. Raises AssertionError when it fails; `status` exits with 1 when
        something needs attention.
        """
        done = self.command(*arguments, "--json")
        assert done.returncode == 0 or (arguments[0] == "status" and done.returncode == 1 and done.stdout), done.stderr
        return json.loads(done.stdout)

    def instances(self) -> list[dict[str, Any]]:
        """Every instance, newest first, as `leapfrog instances --json` shows them."""
        rows: list[dict[str, Any]] = self.ask("instances")
        return rows

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the journal's file, for what no command shows; also while no daemon runs."""
        uri = f"file:{self.state_dir / JOURNAL_NAME}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute(query).fetchall()

    def wait_until_read(self, count: int, *, deadline_seconds: float = 60.0) -> dict[str, int]:
        """Wait until so many instances have left `received`; returns how many there are in each state."""

        def settled() -> dict[str, int]:
            counts: dict[str, int] = self.status()["instances"]
            done = sum(total for state, total in counts.items() if state != "received")
            return counts if counts["received"] == 0 and done >= count else {}

        return wait_until(settled, f"{count} instances were read", deadline_seconds=deadline_seconds, poll_seconds=0.1)

    def wait_until_quiet(self, *, deadline_seconds: float = 60.0) -> None:
        """Wait until every study has had its closing report, published, with all that it owes the district."""
        wait_until(
            lambda: not self.rows("SELECT 1 FROM studies WHERE state = 'open' OR published_version < version"),
            "every study is quiet",
            deadline_seconds=deadline_seconds,
            poll_seconds=0.1,
        )

    def reports(self) -> list[dict[str, Any]]:
        """Every report.json on disk."""
        return [json.loads(path.read_text()) for path in sorted(self.reports_dir.glob("*/*/report.json"))]

    def log(self) -> str:
        """All that the daemons of this kiosk wrote to their standard error."""
        return self.log_file.read_text(errors="replace")

    def accepts_connections(self) -> bool:
        """Whether something listens on the DICOM port."""
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.wait_for_no_orphans()


def _processes() -> Sequence[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
