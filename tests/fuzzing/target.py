"""What is fuzzed: a place that reads what others wrote, with what must hold there for every input."""

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATUS, FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PEAK = "5"  # proc(5): forget the largest size so far


class Broken(AssertionError):
    """An input for which something does not hold that must."""


@dataclass(frozen=True)
class Target:
    """`check` raises for an input for which the `invariant`, a sentence, does not hold; it takes at most so many
    seconds of the processor and so many MiB of memory.

    `seeds` makes the first inputs, by name: without patients, since they come from nobody. `follows` are the modules
    whose branches lead the fuzzer.
    """

    name: str
    invariant: str
    check: Callable[[bytes], None]
    seeds: Callable[[], Mapping[str, bytes]]
    follows: tuple[str, ...]
    seconds: float = 1.0
    mebibytes: int = 64
    longest_bytes: int = 4096


def load(name: str) -> Target:
    """The target `name`."""
    target = importlib.import_module(f"fuzzing.targets.{name}").TARGET
    assert isinstance(target, Target)
    return target


def check(target: Target, content: bytes) -> None:
    """Check one input, also what it costs. Raises what the target raises, or Broken."""
    with _bounded(target):
        target.check(content)


def require(holds: object, sentence: str) -> None:
    """Raise Broken with that sentence unless it holds."""
    if not holds:
        raise Broken(sentence)


@contextmanager
def _bounded(target: Target) -> Iterator[None]:
    """Time is that of this process, so that other work on the machine does not count."""
    FORGET_PEAK.write_text(PEAK)
    began, before = time.process_time(), _mebibytes("VmRSS")
    yield
    spent, grown = time.process_time() - began, _mebibytes("VmHWM") - before
    require(spent <= target.seconds, f"More than {target.seconds:g} s of the processor.")
    require(grown <= target.mebibytes, f"More than {target.mebibytes} MiB of memory.")


def _mebibytes(what: str) -> float:
    """The memory that this process has now, or had at most since the peak was forgotten (proc(5))."""
    text = STATUS.read_text()
    return int(text[text.index(what) :].split(maxsplit=2)[1]) / 1024
