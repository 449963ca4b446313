"""Runs a package's model once before the package is installed, to see whether this box's engine can run it and whether
the outputs fit the manifest.

This is a separate process. It exits with status 0 if all is well; otherwise it prints one sentence with the reason.
"""

import argparse
import resource
import sys
from pathlib import Path

import numpy as np

from leapfrog.engine.host import die_with_parent
from leapfrog.engine.model_bench import ModelBench
from leapfrog.engine.standalone import StandaloneEngine
from leapfrog.errors import LeapfrogError
from leapfrog.packages.package import ModelPackage, load_package
from leapfrog.processes.confinement import Rights, confine
from leapfrog.reader.assess.check_in_front.checks import load_check
from leapfrog.reader.assess.classification import classify
from leapfrog.reader.assess.outlines.free_outlines import free_outlines
from leapfrog.reader.assess.outlines.segmentation import model_area, segment

MID_GRAY = 128
MEMORY_BYTES = 4 * 1024**3  # of this process and of the engine host, each: a model can ask for any amount


def run_model(package: ModelPackage, python: str, threads: int) -> list[np.ndarray]:
    """The outputs of the model of `package` for a gray picture, from an engine host under the interpreter `python`.

    Raises PackageError when the engine cannot run the model, EngineError when the engine fails.
    """
    with StandaloneEngine([package.model_path.parent], python) as engine:
        bench = ModelBench(threads)
        bench.attach(engine.client)
        return bench.infer(package, _gray(package))


def judge(package: ModelPackage, outputs: list[np.ndarray]) -> None:
    """Use the model's `outputs`, and the quality check, as a reader would.

    Raises PackageError when the quality check cannot be used, EngineError when the outputs do not fit the manifest.
    """
    manifest = package.manifest
    height, width = manifest.input.height, manifest.input.width
    area = model_area((0, 0, width, height), (height, width), width / height)
    if manifest.task == "classification":
        classify(manifest, outputs)
    elif manifest.measures_area:
        free_outlines(manifest, outputs, area, None)
    else:
        segment(manifest, outputs, area, None)
    if package.quality_path is not None:
        load_check(package.quality_path, (height, width)).check(_gray(package))


def _gray(package: ModelPackage) -> np.ndarray:
    size = package.manifest.input
    return np.full((size.height, size.width), MID_GRAY, np.uint8)


def main() -> int:
    """Try the package that the arguments name. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Runs a model once; `leapfrog models install` starts it.")
    parser.add_argument("--package", type=Path, required=True, help="the package's folder")
    parser.add_argument("--python", required=True, help="the engine host's interpreter")
    parser.add_argument("--threads", type=int, required=True, help="processor threads for the model")
    parser.add_argument("--parent", type=int, required=True, help="the parent's process id; this process ends with it")
    options = parser.parse_args()
    die_with_parent(options.parent)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        package = load_package(options.package)
        outputs = run_model(package, options.python, options.threads)
        confine(Rights(readable=[str(options.package)]))  # no engine host is started any more
        judge(package, outputs)
    except LeapfrogError as problem:
        sys.stdout.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
