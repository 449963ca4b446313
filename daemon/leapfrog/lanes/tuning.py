"""How many processor threads a model gets: measured once on this machine, and kept."""

import hashlib
import json
import logging
import os
import threading
from pathlib import Path

from pydantic import ValidationError

from leapfrog.durable import write_durably
from leapfrog.errors import EngineError
from leapfrog.exam import Frozen
from leapfrog.processes.command_lines import our_program
from leapfrog.processes.messages import ReaderSetup
from leapfrog.processes.trial import Trials

FILE_NAME = "engine.json"
TRIAL_PROGRAM = "leapfrog.trials.thread_trial"
TRIAL_SECONDS = 60.0
WORTH_A_THREAD = 0.9  # another thread must make it at least this much faster, or it serves better elsewhere
MOST_THREADS = 4

_log = logging.getLogger(__name__)


class Tuning(Frozen):
    """What was measured, and of what: milliseconds of all models together by the number of threads."""

    fingerprint: str
    milliseconds: dict[int, float]
    threads: int


class EngineTuning:
    """Chooses the number of threads for the lanes of a daemon; from any of their threads."""

    def __init__(self, state_dir: Path, python: str, setup: ReaderSetup, lanes: int) -> None:
        """The processor's cores are shared among `lanes`."""
        self._path = state_dir / FILE_NAME
        self._python = python
        self._setup = setup
        self._most = max(1, min(MOST_THREADS, len(os.sched_getaffinity(0)) // lanes))
        self._measuring = threading.Lock()  # held while the number is sought, so that it is sought once
        self._threads = 0
        self._trials = Trials()

    def threads(self) -> int:
        """The number to use. The first call on a machine, and the first with other models, takes seconds."""
        with self._measuring:
            if not self._threads:
                self._threads = self._kept() or self._measured()
            return self._threads

    def stop(self) -> None:
        """End a measurement that is going on; whoever waits for it gets one thread. From any thread."""
        self._trials.stop()

    def _kept(self) -> int:
        try:
            tuning = Tuning.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return 0
        return tuning.threads if tuning.fingerprint == self._fingerprint() else 0

    def _measured(self) -> int:
        if self._most == 1:
            return 1
        try:
            end = self._trials.run(self._command(), TRIAL_SECONDS)
            if end.how == "stopped":
                return 1
            milliseconds = {int(threads): float(value) for threads, value in json.loads(end.printed).items()}
        except (EngineError, ValueError, AttributeError) as problem:
            _log.warning("Threads were not measured, so one is used: %s", problem)
            return 1
        threads = fewest_that_pay(milliseconds)
        self._keep(Tuning(fingerprint=self._fingerprint(), milliseconds=milliseconds, threads=threads))
        _log.info("Models run with %d threads: %s ms by threads.", threads, milliseconds)
        return threads

    def _command(self) -> list[str]:
        arguments = ["--python", self._python, "--most", str(self._most), "--setup", self._setup.model_dump_json()]
        return our_program(TRIAL_PROGRAM, *arguments)

    def _keep(self, tuning: Tuning) -> None:
        try:
            write_durably(self._path, tuning.model_dump_json(indent=2).encode())
        except OSError as problem:
            _log.warning("%s cannot be written: %s", self._path, problem.strerror)

    def _fingerprint(self) -> str:
        """Of what the measurement holds for: processor, interpreter, and the files in the package folders."""
        processor = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("model name", "Model"))
        ]
        models = [
            f"{path} {path.stat().st_mtime_ns}"
            for folder in self._setup.model_directories
            for path in sorted(folder.glob("**/model.tflite"))
        ]
        told = "\n".join([*processor, str(self._most), self._python, *models])
        return hashlib.sha256(told.encode()).hexdigest()


def fewest_that_pay(milliseconds: dict[int, float]) -> int:
    """The fewest threads to which no larger number is worth its cores."""
    best = 1
    for threads in sorted(milliseconds):
        if milliseconds[threads] < WORTH_A_THREAD * milliseconds[best]:
            best = threads
    return best
