"""How fast a model's files are on this machine's processor. Runs on the training machine only."""

import os
import platform
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from leapfrog_training.kiosk import KioskModel

RUNS, WARM_UP = 50, 5
THREADS = (1, 2)


class Latency(BaseModel):
    """Milliseconds of one answer of the kiosk's engine host."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int
    median_ms: float
    percentile_95_ms: float


def latencies(model: Path) -> tuple[Latency, ...]:
    """The latency of a model file with one thread and with two."""
    return tuple(_latency(model, threads) for threads in THREADS)


def _latency(model: Path, threads: int) -> Latency:
    taken = KioskModel(model, threads).latencies_ms(RUNS, WARM_UP)
    return Latency(
        threads=threads,
        median_ms=round(float(np.median(taken)), 2),
        percentile_95_ms=round(float(np.percentile(taken, 95)), 2),
    )


def machine() -> str:
    """This machine's processor and how many of it, as a card names it."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores"
