"""Runs a package's model before the package is installed, on plain gray and on a phantom, to see whether this box's
engine can run it, whether the outputs fit the manifest, and whether it looks at the picture at all.

This is a separate process. It exits with status 0 if all is well; otherwise it prints one sentence with the reason.
"""

import argparse
import resource
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from leapfrog.engine.host import die_with_parent
from leapfrog.engine.model_bench import ModelBench
from leapfrog.engine.standalone import StandaloneEngine
from leapfrog.errors import LeapfrogError, PackageError
from leapfrog.packages.package import ModelPackage, load_package
from leapfrog.phantoms.chest import draw_chest
from leapfrog.phantoms.fetal_head import FetalHead, draw_fetal_head
from leapfrog.processes.confinement import Rights, confine
from leapfrog.reader.assess.check_in_front.checks import load_check
from leapfrog.reader.assess.classification import classify
from leapfrog.reader.assess.outlines.free_outlines import free_outlines
from leapfrog.reader.assess.outlines.segmentation import model_area, segment

MID_GRAY = 128
PLATE_SHIFT = 4  # from the 12 bits of a plate to 8
MEMORY_BYTES = 4 * 1024**3  # of this process and of the engine host, each: a model can ask for any amount


Outputs = list[np.ndarray]


def run_model(package: ModelPackage, python: str, threads: int) -> tuple[Outputs, Outputs]:
    """The outputs of the model of `package` for a gray picture and for a phantom, from an engine host under the
    interpreter `python`.

    Raises PackageError when the engine cannot run the model, EngineError when the engine fails.
    """
    with StandaloneEngine([package.model_path.parent], python) as engine:
        bench = ModelBench(threads)
        bench.attach(engine.client)
        return bench.infer(package, _gray(package)), bench.infer(package, _phantom(package))


def require_difference(package: ModelPackage, gray: Outputs, phantom: Outputs) -> None:
    """Raise PackageError for a model that answers the same whatever it is shown."""
    if all(map(np.array_equal, gray, phantom)):
        raise PackageError(
            f"The model {package.title} gives one and the same answer for a phantom and for plain gray: it does not"
            " look at the picture."
        )


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


def _phantom(package: ModelPackage) -> np.ndarray:
    """A made-up exam of the kind that the package reads, as a picture of the model's size."""
    if "US" in package.manifest.applies_to.modalities:
        gray = draw_fetal_head(FetalHead(), frames=1, seed=1)[0]
    else:
        gray = (draw_chest("opaque", seed=1) >> PLATE_SHIFT).astype(np.uint8)
    size = package.manifest.input
    return np.asarray(Image.fromarray(gray).resize((size.width, size.height), Image.Resampling.BILINEAR))


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
        gray, phantom = run_model(package, options.python, options.threads)
        confine(Rights(readable=[str(options.package)]))  # no engine host is started any more
        for outputs in (gray, phantom):
            judge(package, outputs)
        require_difference(package, gray, phantom)
    except LeapfrogError as problem:
        sys.stdout.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
