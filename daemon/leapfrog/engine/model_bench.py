"""The models as a reader uses them: loaded into the engine host once, run on a picture."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leapfrog.engine.client import EngineClient, Hello, LoadedModel
from leapfrog.engine.tensors import dequantize, quantization_table, quantize
from leapfrog.errors import EngineError, EngineRefused, EngineUntrusted, PackageError
from leapfrog.exam import Device
from leapfrog.packages.package import ModelPackage

NO_HOST = "No engine host is running."


class _Ready(NamedTuple):
    """A loaded model, where it runs, and its input's quantization table."""

    model: LoadedModel
    device: Device
    table: NDArray[np.generic]


class ModelBench:
    """Runs model packages on whatever engine host is attached. Whoever attached one that fails lets go of it."""

    def __init__(self, threads: int) -> None:
        """`threads` is how many the host may use for one model."""
        self._threads = threads
        self._client: EngineClient | None = None
        self._ready: dict[str, _Ready] = {}

    @property
    def client(self) -> EngineClient | None:
        """The connection to the engine host, while there is one."""
        return self._client

    def device_of(self, package: ModelPackage) -> Device:
        """What the model of `package`, which has answered, runs on."""
        return self._ready[package.name].device

    def attach(self, client: EngineClient) -> None:
        """Use a new engine host from now on."""
        self.detach()
        self._client = client

    def detach(self) -> None:
        """Let go of the engine host, which ends with its connection."""
        if self._client is not None:
            self._client.close()
        self._client = None
        self._ready = {}

    def warm_up(self, packages: Iterable[ModelPackage]) -> Hello:
        """Load every package and run it once on black, so that the first image is as fast as the tenth.

        A package that the host does not take is left for `infer` to refuse. Raises EngineError.
        """
        for package in packages:
            size = (package.manifest.input.height, package.manifest.input.width)
            try:
                self.infer(package, np.zeros(size, np.uint8))
            except PackageError:
                continue
        return self._attached().hello()

    def infer(self, package: ModelPackage, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Run a package's model on a picture of the model's input size; its outputs as real numbers, in its order.

        Raises PackageError when the host is well but does not take this model, EngineError when the host is not.
        """
        client = self._attached()
        ready = self._loaded(client, package)
        outputs = _invoked(client, ready, quantize(picture, ready.table))
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
                if compiled is not None:  # it was proven on this device: the device is to blame, not the package
                    raise
                raise PackageError(
                    f"The model {package.title} cannot be run by this box's engine ({hello.runtime}"
                    f" {hello.runtime_version}): install a package or an engine that fit each other."
                ) from problem
            wanted = (1, package.manifest.input.height, package.manifest.input.width, 1)
            if len(model.inputs) != 1 or model.inputs[0].shape != wanted:
                raise PackageError(
                    f"The model {package.title} takes other input than its package says: install it again."
                )
            self._ready[name] = _Ready(model, "edgetpu" if compiled else "cpu", quantization_table(model.inputs[0]))
        return self._ready[name]


def _invoked(client: EngineClient, ready: _Ready, picture: NDArray[Any]) -> list[NDArray[Any]]:
    """The outputs. An Edge TPU is asked twice, in a few milliseconds, and must say the same: whatever a bad cable
    changes on the way shows by that. Raises EngineUntrusted when it does not.
    """
    outputs = client.invoke(ready.model, [picture])
    if ready.device == "edgetpu":
        again = client.invoke(ready.model, [picture])
        if not all(map(np.array_equal, outputs, again)):
            raise EngineUntrusted("The Edge TPU gave two answers to the same picture.")
    return outputs
