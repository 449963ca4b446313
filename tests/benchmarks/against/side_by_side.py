"""Runs parts with two versions of the box in turn, by the benchmarks of this checkout."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from benchmarks.against.comparison import Comparison
from benchmarks.against.judgement import Judged, Numbers, compared, judged
from benchmarks.against.versions import Version
from support.progress import Progress

STOP_SECONDS = 60.0


class CannotMeasure(Exception):
    """A part broke with one of the versions, or measures nothing on this machine."""


@dataclass(frozen=True)
class PartCompared:
    """The numbers of a part that both versions have, and what was not compared, and why."""

    name: str
    numbers: Sequence[Judged]
    not_compared: Sequence[str]


@dataclass(frozen=True)
class SideBySide:
    """What both versions are measured with. `before` is the older one, by whatever name."""

    before: Version
    now: Version
    directory: Path
    dose: float
    rounds: int
    progress: Progress

    def compare(self, part: str) -> PartCompared:
        """The numbers of a part. What seems worse is measured again; where that breaks, it counts as worse."""
        try:
            comparisons, remarks = self._measured(part)
        except CannotMeasure as problem:
            return PartCompared(part, (), [f"{part}: {problem}"])
        numbers = judged(comparisons)
        if worse := [one.name for one in numbers if one.verdict == "worse"]:
            self.progress.say(f"{part}: all once more, since this seems worse: {'; '.join(worse)}")
            try:
                numbers = judged(comparisons, self._measured(part)[0])
            except CannotMeasure as problem:
                remarks.append(f"{part}, a second time: {problem}")
        return PartCompared(part, numbers, remarks)

    def _measured(self, part: str) -> tuple[list[Comparison], list[str]]:
        before, now = list[Numbers](), list[Numbers]()
        for number in range(self.rounds):
            both = ((self.before, before), (self.now, now))
            for version, numbers in both if number % 2 == 0 else reversed(both):
                self.progress.say(f"{part}: round {number + 1} of {self.rounds}, {version.name}")
                numbers.append(self._run(part, version))
        return compared(before, now, self.before.name, self.now.name)

    def _run(self, part: str, version: Version) -> Numbers:
        file = self.directory / "numbers.json"
        file.unlink(missing_ok=True)
        options = ["--only", part, "--no-peers", "--rounds", "1", "--dose", str(self.dose)]
        places = ["--json", str(file), "--directory", str(self.directory)]
        path = os.pathsep.join([str(self.now.root / "tests"), *version.python_path])
        said = _run_to_its_end([sys.executable, "-m", "benchmarks", *options, *places], path, self.directory)
        content = json.loads(file.read_text()) if file.is_file() else {"measurements": [], "not_measured": []}
        why = [omission["why"] for omission in content["not_measured"]]
        if not file.is_file() or any(omission["broke"] for omission in content["not_measured"]):
            self.progress.say(escape(f"what {part} said with {version.name}:\n{said[-4000:]}"))
            raise CannotMeasure(f"{version.name} cannot be measured by it ({'; '.join(why) or 'it said no more'})")
        if not content["measurements"]:
            raise CannotMeasure(f"nothing was measured here ({'; '.join(why)})")
        return {(one["group"], one["name"]): one for one in content["measurements"]}


def _run_to_its_end(command: Sequence[str], python_path: str, directory: Path) -> str:
    """What it printed. Runs in `directory`, since Python looks where it is started for what it imports, before it looks
    anywhere else: started in daemon/, both versions would be this checkout.

    It is in a session of its own, so that Ctrl-C ends this program alone, which then gives it time to stop its servers.
    """
    child = subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": python_path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        return child.communicate()[0]
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
