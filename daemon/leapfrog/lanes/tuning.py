"""Finds the best number of processor threads for a model: measured once on this machine, then stored."""

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
from leapfrog.wording.text import count

FILE_NAME = "engine.json"
TRIAL_PROGRAM = "leapfrog.trials.thread_trial"
TRIAL_SECONDS = 60.0
WORTH_A_THREAD = 0.9  # more threads must bring the time below this share, or the cores are better used elsewhere
MOST_THREADS = 4

_log = logging.getLogger(__name__)


class Tuning(Frozen):
    """A measurement: the milliseconds of all models together by number of threads, and what it is valid for."""

    fingerprint: str
    milliseconds: dict[int, float]
    threads: int


class EngineTuning:
    """Chooses the number of processor threads for a daemon's lanes. Any of their threads may call it."""

    def __init__(self, state_dir: Path, python: str, setup: ReaderSetup, lanes: int) -> None:
        """The processor's cores are divided among `lanes`."""
        self._path = state_dir / FILE_NAME
        self._python = python
        self._setup = setup
        self._most = max(1, min(MOST_THREADS, len(os.sched_getaffinity(0)) // lanes))
        self._measuring = threading.Lock()  # held while threads are measured, so that they are measured once
        self._threads = 0
        self._trials = Trials()

    def threads(self) -> int:
        """The number of threads to use. The first call on a machine, or with different models, takes seconds."""
        with self._measuring:
            if not self._threads:
                self._threads = self._stored() or self._measure()
            return self._threads

    def stop(self) -> None:
        """End a measurement that is running; its caller gets one thread. From any thread."""
        self._trials.stop()

    def _stored(self) -> int:
        try:
            tuning = Tuning.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return 0
        return tuning.threads if tuning.fingerprint == self._fingerprint() else 0

    def _measure(self) -> int:
        if self._most == 1:
            return 1
        try:
            end = self._trials.run(self._command(), TRIAL_SECONDS)
            if end.how == "stopped":
                return 1
            milliseconds = {int(threads): float(value) for threads, value in json.loads(end.printed).items()}
        except (EngineError, ValueError, AttributeError) as problem:
            _log.warning("The best number of threads could not be measured, so one thread is used: %s", problem)
            return 1
        threads = fewest_worthwhile(milliseconds)
        self._store(Tuning(fingerprint=self._fingerprint(), milliseconds=milliseconds, threads=threads))
        _log.info("Models run with %s (milliseconds by number of threads: %s).", count(threads, "thread"), milliseconds)
        return threads

    def _command(self) -> list[str]:
        arguments = ["--python", self._python, "--most", str(self._most), "--setup", self._setup.model_dump_json()]
        return our_program(TRIAL_PROGRAM, *arguments)

    def _store(self, tuning: Tuning) -> None:
        try:
            write_durably(self._path, tuning.model_dump_json(indent=2).encode())
        except OSError as problem:
            _log.warning("%s cannot be written: %s", self._path, problem.strerror)

    def _fingerprint(self) -> str:
        """A hash of what the measurement depends on: processor, interpreter, and the models in the package folders."""
        processor = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("model name", "Model"))
        ]
        models = [
            f"{path} {path.stat().st_mtime_ns}"
            for folder in self._setup.model_directories
            for path in sorted(folder.glob("**/model.tflite"))
        ]
        facts = "\n".join([*processor, str(self._most), self._python, *models])
        return hashlib.sha256(facts.encode()).hexdigest()


def fewest_worthwhile(milliseconds: dict[int, float]) -> int:
    """The smallest number of threads such that no larger number is enough faster to be worth its cores."""
    best = 1
    for threads in sorted(milliseconds):
        if milliseconds[threads] < WORTH_A_THREAD * milliseconds[best]:
            best = threads
    return best
