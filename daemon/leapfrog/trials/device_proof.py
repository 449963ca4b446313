"""Proves an Edge TPU: runs every compiled model on it and compares the outputs with those of the same model on the
processor.

That the delegate loads proves nothing: a libedgetpu that does not match the runtime crashes only later, and a device
that answers may answer wrongly. This is a separate process, which its parent kills when it hangs. It prints a
DeviceProof.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from leapfrog.engine.client import EngineClient, LoadedModel
from leapfrog.engine.host import die_with_parent
from leapfrog.engine.standalone import StandaloneEngine
from leapfrog.errors import EngineError, EngineRefused, EngineUntrusted
from leapfrog.packages.catalogue import find_packages
from leapfrog.packages.package import ModelPackage
from leapfrog.processes.command_lines import on_edge_tpu
from leapfrog.processes.device_failures import (
    DeviceFailure,
    DeviceProof,
    FailureKind,
    PackageProof,
    ProofStep,
    explain_end,
    explain_refusal,
)
from leapfrog.processes.messages import ReaderSetup

RUNS = 5  # after the first run, which also loads the parameters onto the chip
# Both compute in int8 but round in different places: outputs that differ by a step or two are no error.
LARGEST_MEAN_DIFFERENCE = 3.0  # int8 steps
LARGEST_SLOWNESS = 3.0  # times the processor's time; a slower device is no help
SLOWNESS_MS = 20.0  # a difference this small does not matter


def prove(device: str, library: str, python: str, packages: Sequence[ModelPackage], threads: int) -> DeviceProof:
    """Try every compiled model of `packages` on `device` in an engine host under the interpreter `python`."""
    compiled = [package for package in packages if package.edge_tpu_path is not None]
    if not compiled:
        failure = DeviceFailure(kind=FailureKind.NOT_COMPILED, detail="No model package is compiled for the Edge TPU.")
        return DeviceProof(device=device, failure=failure)
    folders = [package.model_path.parent for package in compiled]
    with StandaloneEngine(folders, python, on_edge_tpu(device, library)) as engine:
        proof = _Proof(engine.client, threads)
        try:
            runtime = engine.client.hello()
            proven = tuple(map(proof.of, compiled))
            return DeviceProof(device=device, runtime=f"{runtime.runtime} {runtime.runtime_version}", packages=proven)
        except _Untrusted as problem:
            failure = problem.failure
        except EngineRefused as problem:
            failure = explain_refusal(str(problem))
        except EngineUntrusted as problem:
            failure = DeviceFailure(kind=FailureKind.WRONG_ANSWERS, detail=str(problem))
        except EngineError:
            engine.close()
            failure = explain_end(proof.step, engine.ended_by())
    return DeviceProof(device=device, failure=failure)


class _Untrusted(Exception):
    def __init__(self, failure: DeviceFailure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class _Proof:
    def __init__(self, client: EngineClient, threads: int) -> None:
        self.step: ProofStep = "starting"
        self._client = client
        self._threads = threads

    def of(self, package: ModelPackage) -> PackageProof:
        """Compare the model of `package` on the device with the one on the processor. Raises _Untrusted."""
        assert package.edge_tpu_path is not None
        self.step = "loading"
        on_cpu = self._client.load(package.model_path, self._threads)
        on_device = self._client.load(package.edge_tpu_path, on_edge_tpu=True)
        self.step = "running"
        pictures = _known_pictures(on_cpu)
        (first, *_), first_times = self._answers(on_device, pictures[:1])
        answers, times = self._answers(on_device, pictures)
        expected, cpu_times = self._answers(on_cpu, pictures)
        self.step = "comparing"
        for outputs, expected_outputs in zip([first, *answers], [expected[0], *expected], strict=True):
            _compare(package, outputs, expected_outputs)
        proof = PackageProof(
            package=package.title, first_ms=first_times[0], median_ms=median(times), cpu_ms=median(cpu_times)
        )
        if proof.median_ms > LARGEST_SLOWNESS * proof.cpu_ms + SLOWNESS_MS:
            detail = (
                f"{package.title} takes {proof.median_ms:.0f} ms on the device, but {proof.cpu_ms:.0f} ms on the"
                " processor."
            )
            raise _Untrusted(DeviceFailure(kind=FailureKind.SLOW, detail=detail))
        return proof

    def _answers(
        self, model: LoadedModel, pictures: Sequence[NDArray[np.int8]]
    ) -> tuple[list[list[NDArray[np.generic]]], list[float]]:
        answers, times = [], []
        for picture in pictures:
            began = time.perf_counter()
            answers.append(self._client.invoke(model, [picture]))
            times.append(round((time.perf_counter() - began) * 1000, 3))
        return answers, times


def _known_pictures(model: LoadedModel) -> list[NDArray[np.int8]]:
    """Coarse random patterns, the same each time and not from any patient. Every layer has something to do on them."""
    _, rows, columns, _ = model.inputs[0].shape
    random = np.random.default_rng(0)
    pictures = []
    for _ in range(RUNS):
        blocks = random.integers(-128, 128, (8, 8), dtype=np.int8)
        grown = np.kron(blocks, np.ones((-(-rows // 8), -(-columns // 8)), np.int8))
        pictures.append(grown[np.newaxis, :rows, :columns, np.newaxis])
    return pictures


def _compare(
    package: ModelPackage, outputs: Sequence[NDArray[np.generic]], expected: Sequence[NDArray[np.generic]]
) -> None:
    for output, reference in zip(outputs, expected, strict=True):
        if output.shape != reference.shape:
            difference = f"shape {output.shape} instead of {reference.shape}"
        else:
            mean = float(np.abs(output.astype(np.float64) - reference.astype(np.float64)).mean())
            if mean <= LARGEST_MEAN_DIFFERENCE:
                continue
            difference = f"off by {mean:.0f} int8 steps on average"
        detail = f"{package.title} gives other answers on the device than on the processor: {difference}."
        raise _Untrusted(DeviceFailure(kind=FailureKind.WRONG_ANSWERS, detail=detail))


def main() -> int:
    """Prove the device that the arguments name, and print a DeviceProof."""
    parser = argparse.ArgumentParser(description="Proves an Edge TPU; the daemon and `leapfrog doctor` start it.")
    parser.add_argument("--device", required=True, help="libedgetpu's name for the device, such as usb:0")
    parser.add_argument("--library", required=True, help="the library that drives the Edge TPU")
    parser.add_argument("--python", required=True, help="the engine host's interpreter")
    parser.add_argument("--setup", required=True, help="a ReaderSetup as JSON, which says where the packages are")
    parser.add_argument("--parent", type=int, required=True, help="the parent's process id; this process ends with it")
    options = parser.parse_args()
    die_with_parent(options.parent)
    setup = ReaderSetup.model_validate_json(options.setup)
    packages = find_packages(setup.model_directories, setup.signature_policy).packages
    try:
        proof = prove(options.device, options.library, options.python, packages, setup.threads)
    except EngineError as problem:
        failure = DeviceFailure(kind=FailureKind.REFUSED, detail=str(problem))
        proof = DeviceProof(device=options.device, failure=failure)
    sys.stdout.write(proof.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
