"""Measures how long one picture takes in each form of a network, on the machine that evaluates it."""

import os
from pathlib import Path

import numpy as np

from leapfrog_training.evaluate.forms import Form, file_of
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.evaluate.measured import Measured
from leapfrog_training.run.folder import Job
from leapfrog_training.run.provenance import machine

RUNS = 50
WARM_UP_RUNS = 5
THREADS = (1, 2)


class Latency(Measured):
    """Milliseconds from the input tensor to the outputs, through the engine host."""

    form: Form
    threads: int
    median_ms: float
    percentile_95_ms: float


class Latencies(Measured):
    """The latencies of every form and number of threads, over `runs` runs each. `load` is the machine's load average in
    the minute before: other work makes every number higher.
    """

    machine: str
    runtime: str
    runs: int
    load: float
    measured: tuple[Latency, ...]

    def of(self, form: Form, threads: int) -> Latency:
        """The latency of one form with a number of threads."""
        return next(one for one in self.measured if (one.form, one.threads) == (form, threads))


def latencies(job: Job) -> Latencies:
    """Time every form of a seed's network."""
    load, measured, runtime = os.getloadavg()[0], [], ""
    for form in Form:
        for threads in THREADS:
            with KioskModel(file_of(job, form), threads) as model:
                taken = model.milliseconds(RUNS, WARM_UP_RUNS)
                runtime = f"{model.host.runtime} {model.host.runtime_version}"
            median, high = (round(float(np.percentile(taken, q)), 2) for q in (50, 95))
            measured.append(Latency(form=form, threads=threads, median_ms=median, percentile_95_ms=high))
    return Latencies(machine=machine(), runtime=runtime, runs=RUNS, load=round(load, 1), measured=tuple(measured))


def median_milliseconds(model: Path, threads: int = 1) -> float:
    """The median latency of one file."""
    with KioskModel(model, threads) as opened:
        return float(np.median(opened.milliseconds(RUNS, WARM_UP_RUNS)))
