"""Fuzzes targets side by side, each in processes of its own, for a time; keeps what was found."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fuzzing import inputs, scratch
from fuzzing.target import load

TESTS = Path(__file__).resolve().parent.parent
PULSE = re.compile(r"#(\d+)\s+\S+\s+cov: (\d+)")
CRASH = "crash-"  # how libFuzzer names an input at which its process ended by a signal; others: timeout-, oom-
SHORTEST_SECONDS = 1.0
MOST_ENDS = 5  # that are kept of one campaign: of most of them there are many


@dataclass
class Outcome:
    """What became of one target so far: inputs executed, branches (edges) reached, and the finds in `folder`."""

    target: str
    folder: Path
    executed: int = 0
    edges: int = 0
    said: str = ""
    _before: int = field(default=0, repr=False)

    @property
    def finds(self) -> list[Path]:
        """The inputs that broke something."""
        return [path for path in self._written() if not path.name.startswith(CRASH)]

    @property
    def ends(self) -> list[Path]:
        """The inputs at which a decoder ended the process."""
        return [path for path in self._written() if path.name.startswith(CRASH)]

    def _written(self) -> list[Path]:
        found = self.folder / "finds"
        return sorted(path for path in found.iterdir() if not path.suffix) if found.is_dir() else []

    def hear(self, line: str) -> None:
        """Take in one line of libFuzzer's."""
        if pulse := PULSE.match(line):
            self.executed, self.edges = self._before + int(pulse[1]), max(self.edges, int(pulse[2]))

    def process_ended(self) -> None:
        """The next process counts from 0."""
        self._before = self.executed


class Campaign:
    """Fuzzers at work in `folder`. When it is left, they are ended."""

    def __init__(self, folder: Path, seconds: float, seed: int) -> None:
        """Each target gets so many seconds. The same `seed` takes the same course."""
        self._folder = folder
        self._seconds = seconds
        self._seed = seed
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def run(self, names: Sequence[str], at_once: int) -> Iterator[list[Outcome]]:
        """Fuzz each target, so many at once; yields how far all are, a few times a minute, and at the end."""
        for name in names:  # not in the threads below, where pydicom cannot be imported by two at once
            load(name)
        outcomes = [Outcome(name, self._folder / name) for name in names]
        with ThreadPoolExecutor(at_once) as pool:
            runs = [pool.submit(self._fuzz, one) for one in outcomes]
            try:
                while not all(run.done() for run in runs):
                    yield outcomes
                    time.sleep(min(10.0, max(0.5, self._seconds / 10)))
            finally:
                self._end()
        for run in runs:
            run.result()
        yield outcomes

    def _fuzz(self, outcome: Outcome) -> None:
        """A process that ends before its time is followed by another."""
        name, folder, seed = outcome.target, outcome.folder, self._seed
        seeds, corpus, finds = folder / "seeds", folder / "corpus", folder / "finds"
        inputs.write(seeds, load(name).seeds().values())
        for made in (corpus, finds):
            made.mkdir(parents=True, exist_ok=True)
        kept = [str(one / name) for one in (inputs.CORPUS, inputs.FINDS) if (one / name).is_dir()]
        until = time.monotonic() + self._seconds
        while (left := until - time.monotonic()) >= SHORTEST_SECONDS or not outcome.executed:
            command = [sys.executable, "-m", "fuzzing.fuzzer", name, "--seconds", str(left), "--seed", str(seed)]
            command += ["--finds", str(finds), str(corpus), str(seeds), *kept]
            for line in self._lines(command, folder / "log.txt"):
                outcome.hear(line)
            outcome.process_ended()
            seed += 1
            if not outcome.executed:
                outcome.said = f"the fuzzer did not start: {_last_line(folder / 'log.txt')}"
            if not outcome.executed or self._ended:
                return

    def _lines(self, command: Sequence[str], log: Path) -> Iterator[str]:
        with log.open("ab") as written:
            process = subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            with process, self._noted(process):
                assert process.stdout is not None
                for line in process.stdout:
                    written.write(line)
                    yield line.decode("utf-8", "replace")
        scratch.remove(process.pid)

    @contextmanager
    def _noted(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        with self._lock:
            self._running.add(process)
            if self._ended:
                process.kill()
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            for process in self._running:
                process.kill()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def keep(outcome: Outcome) -> tuple[int, int]:
    """Take into the repository what the corpus gained, each find, and what ended a decoder. Returns how many inputs and
    finds were new.
    """
    target = load(outcome.target)
    gained = [path.read_bytes() for path in sorted((outcome.folder / "corpus").iterdir())]
    corpus = inputs.CORPUS / target.name
    old = [path.read_bytes() for path in corpus.iterdir()] if corpus.is_dir() else []
    chosen = inputs.choose(target, [*old, *gained])
    for path in corpus.iterdir() if corpus.is_dir() else ():
        path.unlink()
    inputs.write(corpus, chosen)
    finds = [path.read_bytes() for path in outcome.finds]
    inputs.write(inputs.FINDS / target.name, finds)
    inputs.write(inputs.ENDS / target.name, [path.read_bytes() for path in outcome.ends[:MOST_ENDS]])
    return len(set(chosen) - set(old)), len(finds)
