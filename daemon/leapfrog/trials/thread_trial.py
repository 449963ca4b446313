"""Times the models on the processor with one thread, two threads and so on. Prints the milliseconds as JSON."""

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from leapfrog.engine.client import EngineClient
from leapfrog.engine.host import die_with_parent
from leapfrog.engine.standalone import StandaloneEngine
from leapfrog.errors import EngineError
from leapfrog.packages.catalogue import find_packages
from leapfrog.processes.messages import ReaderSetup

RUNS = 15
WARM_UP_RUNS = 3


def time_threads(setup: ReaderSetup, python: str, most: int) -> dict[int, float]:
    """The milliseconds that running every package's model once takes in total, by number of threads from 1 to `most`.
    For each model the median of several runs counts.

    Raises EngineError when the engine fails.
    """
    paths = [package.model_path for package in find_packages(setup.model_directories, setup.signature_policy).packages]
    milliseconds = {}
    for threads in range(1, most + 1):
        with StandaloneEngine([path.parent for path in paths], python) as engine:
            milliseconds[threads] = round(sum(_milliseconds(engine.client, path, threads) for path in paths), 3)
    return milliseconds


def _milliseconds(client: EngineClient, path: Path, threads: int) -> float:
    model = client.load(path, threads)
    pictures = [np.zeros(spec.shape, spec.dtype) for spec in model.inputs]
    times = []
    for _ in range(WARM_UP_RUNS + RUNS):
        began = time.perf_counter()
        client.invoke(model, pictures)
        times.append((time.perf_counter() - began) * 1000)
    return median(times[WARM_UP_RUNS:])


def main() -> int:
    """Time the models of the packages that the arguments name. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Times models on the processor; the daemon starts it once.")
    parser.add_argument("--python", required=True, help="the engine host's interpreter")
    parser.add_argument("--most", type=int, required=True, help="the largest number of threads")
    parser.add_argument("--setup", required=True, help="a ReaderSetup as JSON, which says where the packages are")
    parser.add_argument("--parent", type=int, required=True, help="the parent's process id; this process ends with it")
    options = parser.parse_args()
    die_with_parent(options.parent)
    try:
        milliseconds = time_threads(ReaderSetup.model_validate_json(options.setup), options.python, options.most)
    except EngineError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(json.dumps(milliseconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
