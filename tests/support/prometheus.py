"""Debian's Prometheus and node-exporter, set up as a district has them, on ports of this test."""

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from support.ports import free_port
from support.waiting import wait_until

CONFIGURATION = Path(__file__).resolve().parents[2] / "config" / "district" / "prometheus"
PROGRAMS = ("prometheus", "promtool", "prometheus-node-exporter")
START_SECONDS = 30.0
SCRAPE_SECONDS = 1


def why_no_prometheus() -> str:
    """Why it cannot be run here; '' when it can."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


class Prometheus:
    """One that reads the textfiles in `textfiles` each second, through a node-exporter of its own."""

    def __init__(self, directory: Path, textfiles: Path) -> None:
        """It does not run yet; `directory` is an empty folder of the test."""
        self._port, self._exporter_port = free_port(), free_port()
        self._directory, self._textfiles = directory, textfiles
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        configuration = self._directory / "configuration"
        shutil.copytree(CONFIGURATION, configuration)
        file = configuration / "prometheus.yml"
        said = file.read_text()
        for shipped, ours in (("127.0.0.1:9100", f"127.0.0.1:{self._exporter_port}"), ("60s", f"{SCRAPE_SECONDS}s")):
            assert shipped in said
            said = said.replace(shipped, ours)
        file.write_text(said)
        self._start(
            "prometheus-node-exporter",
            f"--web.listen-address=127.0.0.1:{self._exporter_port}",
            f"--collector.textfile.directory={self._textfiles}",
        )
        self._start(
            "prometheus",
            f"--config.file={file}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            f"--storage.tsdb.path={self._directory / 'data'}",
        )
        wait_until(self._is_ready, "Prometheus is ready", deadline_seconds=START_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that an expression gives now. Raises AssertionError when Prometheus does not understand it."""
        answer = requests.post(f"{self._url}/api/v1/query", data={"query": expression}, timeout=START_SECONDS)
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: dict[str, Any] = answer.json()["data"]
        return list(found["result"]) if found["resultType"] == "vector" else [found]

    def boxes(self, expression: str) -> set[str]:
        """The boxes for which an expression gives samples now."""
        return {sample["metric"].get("box", "") for sample in self.query(expression)}

    def alert_rules(self) -> dict[str, str]:
        """What it evaluates, by the names of the alerts."""
        answer = requests.get(f"{self._url}/api/v1/rules", timeout=START_SECONDS).json()
        return {rule["name"]: rule["query"] for group in answer["data"]["groups"] for rule in group["rules"]}

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _start(self, *command: str) -> None:
        with (self._directory / f"{command[0]}.log").open("wb") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/-/ready", timeout=1).status_code == 200
        except requests.ConnectionError:
            return False
