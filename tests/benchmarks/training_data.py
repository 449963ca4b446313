"""A data set of ChestX-ray14's size class on its way into a training: opened, made model-sized, read, trained on."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.made_up_chestxray14 import write
from benchmarks.parts import Run
from benchmarks.receivers import remove
from benchmarks.results import Measurement, Results, at_least, at_most
from benchmarks.training_process import SIDE
from support.progress import Progress
from support.waiting import wait_until

FILMS = 112_120  # as many as are published
KILLED_AFTER_SHARE = 0.5  # of the model-sized pictures
TRAINING_STEPS = 12  # of 16 films
MOST_FOR_READING = 64.0  # MiB: what a few batches take
MEBIBYTE = 2**20
GROUP = "Training data"
MEMORY_GROUP = "Memory of its own (RssAnon at peak) that a step needs"


@dataclass(frozen=True)
class _Set:
    root: Path
    cache: Path

    def begin(self, step: str, *options: str) -> subprocess.Popen[str]:
        """Start a step in a process of its own."""
        command = [sys.executable, "-m", "benchmarks.training_process", step, str(self.root), str(self.cache), *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def do(self, step: str, *options: str) -> dict[str, Any]:
        """Do a step in a process of its own; what it measured."""
        process = self.begin(step, *options)
        answer, _ = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"the step {step} ended with {process.returncode}")
        measured: dict[str, Any] = json.loads(answer)
        return measured

    def made(self) -> int:
        """How many of the model-sized pictures are there."""
        return sum(path.read_bytes().count(1) for path in self.cache.glob("pictures-*.there"))


def measure(run: Run) -> None:
    """Everything once, in the order of a first training."""
    films = max(600, round(FILMS * run.dose))
    some = films // 10
    made_up = _Set(run.directory / "chestxray14", run.directory / "cache")
    run.progress.say(f"writing {films} made-up films of 1024x1024")
    write(made_up.root, films)
    _measure_opening(run.results, made_up, run.progress)
    _measure_making(run.results, made_up, films, run.progress)
    for count in (some, films):
        _measure_reading(run.results, made_up, count, run.progress)
    _measure_training(run.results, made_up, (some, films), run.progress)
    for name in ("chestxray14", "cache"):
        remove(run.directory / name)


def _measure_opening(results: Results, made_up: _Set, progress: Progress) -> None:
    progress.say("opening, every film checked")
    first = made_up.do("open")
    rate = first["films"] / first["seconds"]
    all_of_it = f"{FILMS} films: {FILMS / rate / 60:.0f} min"
    results.add(Measurement(GROUP, "opening, every film checked", rate, "films/s", remark=all_of_it))
    results.add(_memory(f"opening {first['films']} films", first["own_bytes"]))


def _measure_making(results: Results, made_up: _Set, films: int, progress: Progress) -> None:
    progress.say("making the model-sized pictures, killed half-way")
    process = made_up.begin("make")
    wait_until(
        lambda: made_up.made() > KILLED_AFTER_SHARE * films,
        "half of the pictures are made",
        deadline_seconds=3600,
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = made_up.made()
    progress.say(f"going on after {before} of {films}")
    made = made_up.do("make")
    rate = (films - before) / made["seconds"]
    all_of_it = f"{FILMS} films: {FILMS / rate / 60:.0f} min, {FILMS * SIDE**2 / 1e9:.1f} GB"
    results.add(Measurement(GROUP, "model-sized pictures, after kill -9", rate, "films/s", remark=all_of_it))
    results.add(_memory(f"making {films} pictures", made["own_bytes"]))


def _measure_reading(results: Results, made_up: _Set, count: int, progress: Progress) -> None:
    progress.say(f"reading {count} model-sized pictures in batches")
    read = made_up.do("read", "--films", str(count))
    rate = count / read["seconds"]
    results.add(Measurement(GROUP, f"read in batches, {count} films", rate, "films/s", remark="in random order"))
    own = read["own_bytes"] - read["own_bytes_before"]
    results.add(_memory(f"reading {count} films, beyond the opened set", own, MOST_FOR_READING))
    mapped = _memory(f"  and resident in all, {count} films", read["resident_bytes"], remark="the kernel takes it back")
    results.add(mapped)


def _measure_training(results: Results, made_up: _Set, counts: tuple[int, int], progress: Progress) -> None:
    for count in counts:
        progress.say(f"training the chest network on {count} films, from disk and from memory")
        trained = made_up.do("train", "--films", str(count), "--steps", str(TRAINING_STEPS))
        results.add(_memory(f"training on {count} films, with TensorFlow", trained["own_bytes"]))
    disk, memory = (
        results.add_median(GROUP, f"chest network, films {where}", trained[where], "steps/s", remark="of 16 films")
        for where in ("from_disk", "from_memory")
    )
    results.add(Measurement(GROUP, "from disk against from memory", disk / memory, "", at_least(0.95)))


def _memory(name: str, byte_count: int, aim_mebibytes: float | None = None, remark: str = "") -> Measurement:
    aim = at_most(aim_mebibytes) if aim_mebibytes else None
    return Measurement(MEMORY_GROUP, name, byte_count / MEBIBYTE, "MiB", aim, remark=remark)
