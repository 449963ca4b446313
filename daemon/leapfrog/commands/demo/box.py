"""The box that the demonstration runs: the real daemon as a child process, with its own settings."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE

from leapfrog.commands.demo.exams import PICTURE_FOLDER, PICTURE_PATTERN, SentFile
from leapfrog.commands.demo.interruption import uninterrupted
from leapfrog.control.control_socket import ask_daemon
from leapfrog.durable import write_durably
from leapfrog.errors import DaemonNotRunning, LeapfrogError

AE_TITLE = "LEAPFROG-DEMO"
POLL_SECONDS = 0.2
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOG_NAME = "daemon.log"
SUCCESS = 0x0000

SETTINGS = """\
# The settings of `leapfrog demo`.
[station]
name = "Leapfrog demo"
state_dir = {state}
reports_dir = {reports}

[dicom]
ae_title = "{ae_title}"
host = "127.0.0.1"
port = {port}

[folder]
settle_seconds = 0.5
rescan_seconds = 1.0
filename_pattern = {pattern}

[[folder.watch]]
path = {picture_folder}
modality = "CR"
body_part = "CHEST"
view = "PA"
age_years = 46

[report]
quiet_seconds = 3.0

[engine]
threads = 1  # not measured: the box runs for minutes only

[district]
url = {district}

[retention]
min_free_bytes = 100_000_000
"""


class DemoFailed(LeapfrogError):
    """The demonstration cannot go on."""


class DemoBox:
    """A daemon in `folder`, with its state, reports, settings and log."""

    def __init__(self, folder: Path, district_url: str) -> None:
        """Write the settings. The daemon is not started yet."""
        self.folder = folder
        self.state_dir = folder / "state"
        self.reports_dir = folder / "reports"
        self.log_file = folder / LOG_NAME
        self.port = _free_port()
        self._inboxes = {"": self.state_dir / "inbox", PICTURE_FOLDER: folder / PICTURE_FOLDER}
        for inbox in self._inboxes.values():
            inbox.mkdir(parents=True, exist_ok=True)
        self._settings_file = folder / "leapfrog.toml"
        self._settings_file.write_text(self._settings(district_url), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def _settings(self, district_url: str) -> str:
        # Every JSON string is also a TOML string, so a folder may have any name.
        return SETTINGS.format(
            state=json.dumps(str(self.state_dir)),
            reports=json.dumps(str(self.reports_dir)),
            ae_title=AE_TITLE,
            port=self.port,
            pattern=json.dumps(PICTURE_PATTERN),
            picture_folder=json.dumps(str(self._inboxes[PICTURE_FOLDER])),
            district=json.dumps(district_url),
        )

    def start(self) -> None:
        """Start the daemon and wait until it listens. Raises DemoFailed with the end of its log when it does not."""
        command = [sys.executable, "-m", "leapfrog", "run", "--config", str(self._settings_file)]
        with self.log_file.open("ab") as log, uninterrupted():
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait(self._listens, START_SECONDS, "it was listening")

    def stop(self) -> int | None:
        """Stop the daemon. Returns its exit status, or None when it had to be killed or never ran."""
        if self._process is None:
            return None
        self._process.terminate()
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return None

    def ask(self, command: str) -> Any:
        """The daemon's answer to a command, as `--json` shows it."""
        return ask_daemon(self.state_dir, command)

    def wait(self, condition: Callable[[], bool], seconds: float, goal: str) -> None:
        """Wait until `condition` holds. Raises DemoFailed after `seconds`, or when the daemon ends before that.

        `goal` completes the sentence "The daemon ended before ...".
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if self._process is not None and self._process.poll() is not None:
                raise DemoFailed(f"The daemon ended before {goal}. The end of its log:\n{self._end_of_log()}")
            if time.monotonic() > deadline:
                raise DemoFailed(f"{seconds:.0f} seconds passed before {goal}: see {self.log_file}")
            time.sleep(POLL_SECONDS)

    def send(self, dataset: Dataset) -> None:
        """Send by C-STORE in a new association, as a modality does. Raises DemoFailed if the box does not take it."""
        entity = AE(ae_title="PHANTOM-ROOM")
        entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        association = entity.associate("127.0.0.1", self.port, ae_title=AE_TITLE)
        if not association.is_established:
            raise DemoFailed("The box did not accept a DICOM connection (association).")
        try:
            status = association.send_c_store(dataset)
        finally:
            association.release()
        if status.get("Status") != SUCCESS:
            raise DemoFailed(
                f"The box did not take an image: it answered C-STORE with status {status.get('Status')!r}."
            )

    def put(self, file: SentFile) -> None:
        """Put a file into a watched folder, as a machine that exports pictures does."""
        write_durably(self._inboxes[file.folder] / file.name, file.content)

    def _listens(self) -> bool:
        try:
            return bool(self.ask("status")["listening"])
        except DaemonNotRunning:
            return False

    def _end_of_log(self) -> str:
        return "\n".join(self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
