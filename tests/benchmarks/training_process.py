"""One step of a training, measured in a process of its own: `python -m benchmarks.training_process STEP ROOT CACHE`.

It prints one line of JSON. Memory is told twice: `own_bytes` is what the process holds and nothing can take back
(RssAnon of proc(5)), at its peak; `resident_bytes` is all that was mapped at once (VmHWM), with the pages of the
pictures' file, which the kernel takes back when memory is short.
"""

import argparse
import json
import os
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leapfrog_training.datasets.chestxray14 import ChestXray14, open_chestxray14
from leapfrog_training.datasets.picture_cache import cached_pictures
from leapfrog_training.fitting.pictures import scaled

SIDE = 224  # pixels: more than the chest network takes, and as many as in what was measured before
BATCH = 16
FINDINGS = 14
EPOCHS = 4
WATCH_SECONDS = 0.05


def main() -> None:
    """Do the step that is named, and print what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=sorted(STEPS))
    parser.add_argument("root", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--films", type=int, help="read or train on the first so many films only")
    parser.add_argument("--steps", type=int, default=0, help="training steps of an epoch")
    arguments = parser.parse_args()
    watch = _Memory()
    measured = STEPS[arguments.step](arguments, watch)
    print(json.dumps({**measured, "resident_bytes": _bytes_of("VmHWM:")}))


class _Memory:
    """The peak of what this process holds for itself, looked at twenty times a second."""

    def __init__(self) -> None:
        self._peak = 0
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def peak(self) -> int:
        """In bytes, since the start."""
        return max(self._peak, _bytes_of("RssAnon:"))

    def _watch(self) -> None:
        while True:
            self._peak = max(self._peak, _bytes_of("RssAnon:"))
            time.sleep(WATCH_SECONDS)


def _bytes_of(key: str) -> int:
    """The value of a line such as `RssAnon: 1234 kB`."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


def _open(arguments: argparse.Namespace, watch: _Memory) -> dict[str, Any]:
    began = time.perf_counter()
    data = open_chestxray14(arguments.root)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "films": len(data.records), "left_out": len(data.problems), "own_bytes": watch.peak}


def _make(arguments: argparse.Namespace, watch: _Memory) -> dict[str, Any]:
    data = open_chestxray14(arguments.root)
    began = time.perf_counter()
    pictures = _pictures(data, arguments.cache)
    return {"seconds": time.perf_counter() - began, "films": len(pictures), "own_bytes": watch.peak}


def _read(arguments: argparse.Namespace, watch: _Memory) -> dict[str, Any]:
    """All pictures once, as one epoch of a training does: in batches, in random order, scaled."""
    pictures = _pictures(open_chestxray14(arguments.root), arguments.cache)[: arguments.films]
    before = watch.peak
    order = np.random.default_rng(0).permutation(len(pictures))
    began = time.perf_counter()
    for start in range(0, len(order), BATCH):
        scaled(pictures[order[start : start + BATCH]])
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "films": len(pictures), "own_bytes": watch.peak, "own_bytes_before": before}


def _train(arguments: argparse.Namespace, watch: _Memory) -> dict[str, Any]:
    """Epochs of the chest network on pictures spread over all films, from disk and then from memory."""
    from leapfrog_training.architectures import mobilenet_v2
    from leapfrog_training.films.network import AUGMENTATION
    from leapfrog_training.fitting.examples import Examples
    from leapfrog_training.fitting.loop import Schedule, fit
    from leapfrog_training.keras import tf, use_threads

    use_threads(os.cpu_count() or 1)
    pictures = _pictures(open_chestxray14(arguments.root), arguments.cache)[: arguments.films]
    used = slice(None, None, max(1, len(pictures) // (arguments.steps * BATCH)))
    targets = np.random.default_rng(0).integers(0, 2, (len(pictures), FINDINGS)).astype(np.float32)

    def loss(truth: Any, logits: Any) -> Any:
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(truth, logits))

    def steps_per_second(examples: Examples) -> list[float]:
        ends: list[float] = []
        fit(
            mobilenet_v2.build(FINDINGS),
            examples,
            loss,
            AUGMENTATION,
            Schedule(epochs=EPOCHS, batch=BATCH, learning_rate=1e-4),
            seed=0,
            after_epoch=lambda _: ends.append(time.perf_counter()),
        )
        steps = len(examples) // BATCH
        return [steps / (end - start) for start, end in pairwise(ends)]  # the first epoch is not timed: it traces

    from_disk = steps_per_second(Examples(pictures[used], targets[used]))
    own = watch.peak
    from_memory = steps_per_second(Examples(np.array(pictures[used]), targets[used]))
    return {"from_disk": from_disk, "from_memory": from_memory, "films": len(pictures), "own_bytes": own}


def _pictures(data: ChestXray14, cache: Path) -> NDArray[np.uint8]:
    return cached_pictures([film.path for film in data.records], SIDE, SIDE, cache)


STEPS: dict[str, Callable[[argparse.Namespace, _Memory], dict[str, Any]]] = {
    "open": _open,
    "make": _make,
    "read": _read,
    "train": _train,
}

if __name__ == "__main__":
    main()
