"""Runs models for a reader: each is loaded into the engine host once, then run on pictures."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leapfrog.engine.client import EngineClient, Hello, LoadedModel
from leapfrog.engine.tensors import dequantize, quantization_table, quantize
from leapfrog.errors import EngineError, EngineRefused, EngineUntrusted, PackageError
from leapfrog.exam import Device
from leapfrog.language.sentence import sentence
from leapfrog.packages.package import ModelPackage

NO_HOST = "No engine host is running."
CANNOT_BE_RUN = sentence(
    "The model {package} cannot be run by this box's engine ({runtime}): install a package and an engine that work"
    " together."
)
OTHER_INPUT = sentence("The model {package} needs other input than its package says: install the package again.")


class _Ready(NamedTuple):
    """A loaded model, the device it runs on, and its input's quantization table."""

    model: LoadedModel
    device: Device
    table: NDArray[np.generic]


class ModelBench:
    """Runs model packages on the engine host that is attached. When it fails, whoever attached it must detach it."""

    def __init__(self, threads: int) -> None:
        """`threads` is how many threads the host may use for one model."""
        self._threads = threads
        self._client: EngineClient | None = None
        self._ready: dict[str, _Ready] = {}

    @property
    def client(self) -> EngineClient | None:
        """The connection to the engine host; None when none is attached."""
        return self._client

    def device_of(self, package: ModelPackage) -> Device:
        """The device on which the model of `package` runs. It must have been run already."""
        return self._ready[package.name].device

    def attach(self, client: EngineClient) -> None:
        """Use this engine host from now on."""
        self.detach()
        self._client = client

    def detach(self) -> None:
        """Close the connection to the engine host, which ends the host."""
        if self._client is not None:
            self._client.close()
        self._client = None
        self._ready = {}

    def warm_up(self, packages: Iterable[ModelPackage]) -> Hello:
        """Load every package and run it once on a black picture, so that the first image is as fast as the tenth.

        A package that the host cannot run is skipped here; `infer` reports it. Raises EngineError.
        """
        for package in packages:
            size = (package.manifest.input.height, package.manifest.input.width)
            try:
                self.infer(package, np.zeros(size, np.uint8))
            except PackageError:
                continue
        return self._attached().hello()

    def infer(self, package: ModelPackage, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Run a package's model on a picture of the model's input size. Returns its outputs as real numbers, in the
        model's order.

        Raises PackageError when the host works but cannot run this model, EngineError when the host has failed.
        """
        client = self._attached()
        ready = self._loaded(client, package)
        outputs = _invoke(client, ready, quantize(picture, ready.table))
        return [dequantize(output, spec) for output, spec in zip(outputs, ready.model.outputs, strict=True)]

    def _attached(self) -> EngineClient:
        if self._client is None:
            raise EngineError(NO_HOST)
        return self._client

    def _loaded(self, client: EngineClient, package: ModelPackage) -> _Ready:
        name = package.name
        if name not in self._ready:
            hello = client.hello()
            compiled = package.edge_tpu_path if hello.device == "edgetpu" else None
            try:
                model = client.load(compiled or package.model_path, self._threads, on_edge_tpu=compiled is not None)
            except EngineRefused as problem:
                if compiled is not None:  # it was proven on this device, so the device is to blame, not the package
                    raise
                runtime = f"{hello.runtime} {hello.runtime_version}"
                raise PackageError(CANNOT_BE_RUN.format(package=package.title, runtime=runtime)) from problem
            expected = (1, package.manifest.input.height, package.manifest.input.width, 1)
            if len(model.inputs) != 1 or model.inputs[0].shape != expected:
                raise PackageError(OTHER_INPUT.format(package=package.title))
            self._ready[name] = _Ready(model, "edgetpu" if compiled else "cpu", quantization_table(model.inputs[0]))
        return self._ready[name]


def _invoke(client: EngineClient, ready: _Ready, picture: NDArray[Any]) -> list[NDArray[Any]]:
    """Run the model. An Edge TPU runs it twice, which takes a few milliseconds more, and must give the same answer both
    times: that reveals a bad cable. Raises EngineUntrusted when the answers differ.
    """
    outputs = client.invoke(ready.model, [picture])
    if ready.device == "edgetpu":
        again = client.invoke(ready.model, [picture])
        if not all(map(np.array_equal, outputs, again)):
            raise EngineUntrusted("The Edge TPU gave two different answers for the same picture.")
    return outputs
