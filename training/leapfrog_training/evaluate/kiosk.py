"""Runs a model file as the kiosk does: in the engine host, a separate process, with the kiosk's own pictures and
tensors.
"""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from leapfrog.engine.client import Hello
from leapfrog.engine.standalone import StandaloneEngine
from leapfrog.engine.tensors import dequantize, quantization_table, quantize
from leapfrog.packages.manifest import InputField, ModelInput
from leapfrog.reader.assess.shown_picture import shown_to_model


class KioskModel:
    """A TFLite model, float or int8, in its own engine host: from gray pictures to outputs as real numbers.

    The host is started as a lane starts it, and ends with `close`, with the `with` block, or with this process. There
    is no other way to run a model here, so that every score is one that a kiosk would give.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Start a host that loads the file. Raises EngineError if it cannot."""
        self._engine = StandaloneEngine([path.resolve().parent])
        self._client = self._engine.client
        try:
            self._model = self._client.load(path.resolve(), threads)
            (self.input,) = self._model.inputs
            self._table = quantization_table(self.input)
        except BaseException:
            self.close()
            raise
        self.outputs = self._model.outputs

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the host."""
        self._engine.close()

    @property
    def host(self) -> Hello:
        """The engine host's hello: its runtime with version, and its device."""
        return self._client.hello()

    def output_of_rank(self, rank: int) -> int:
        """The index of the only output with `rank` dimensions: scores have 2, maps and masks 4."""
        (index,) = (index for index, spec in enumerate(self.outputs) if len(spec.shape) == rank)
        return index

    def run(self, gray: NDArray[np.uint8], field: InputField = "whole") -> tuple[NDArray[np.float32], ...]:
        """The outputs, as real numbers and in the model's order, for one gray picture (rows, columns) of any size, of
        which the model is shown `field`.
        """
        _, height, width, _ = self.input.shape
        picture = shown_to_model(ModelInput(height=height, width=width, field=field), gray)
        values = self._client.invoke(self._model, [quantize(picture, self._table)])
        return tuple(dequantize(value, spec) for value, spec in zip(values, self.outputs, strict=True))

    def milliseconds(self, runs: int, warm_up: int) -> list[float]:
        """How long a reader waits for the outputs of one picture, for each of `runs` runs after `warm_up` unmeasured
        ones.

        Measured from the input tensor to the output tensors, including the way through the socket.
        """
        _, height, width, _ = self.input.shape
        gray = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
        tensor = quantize(gray, self._table)
        milliseconds = []
        for _ in range(warm_up + runs):
            started = time.perf_counter()
            self._client.invoke(self._model, [tensor])
            milliseconds.append((time.perf_counter() - started) * 1000)
        return milliseconds[warm_up:]
