"""A model file run as the kiosk runs it: by the engine host, a process of its own, on the kiosk's own pictures and
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
from leapfrog.reader.image.pixels import model_input


class KioskModel:
    """A TFLite file between gray pictures and real outputs, float or int8, in an engine host of its own.

    The host is started as a lane does it and ends with `close`, with the `with` block, or with this process. There is
    no second way to run a model here, so that a score can only be one that a kiosk would give.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Start a host and have it load the file. Raises EngineError when it cannot."""
        self._engine = StandaloneEngine()
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
        """How the engine host introduced itself: its runtime with its version, and its device."""
        return self._client.hello()

    def output_of_rank(self, rank: int) -> int:
        """The index of the only output with `rank` dimensions: scores have 2, maps and masks 4."""
        (index,) = (index for index, spec in enumerate(self.outputs) if len(spec.shape) == rank)
        return index

    def run(self, gray: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """The real outputs for one gray picture (rows, columns) of any size, in the model's order."""
        _, height, width, _ = self.input.shape
        values = self._client.invoke(self._model, [quantize(model_input(gray, height, width), self._table)])
        return tuple(dequantize(value, spec) for value, spec in zip(values, self.outputs, strict=True))

    def milliseconds(self, runs: int, warm_up: int) -> list[float]:
        """How long a reader waits for the answer to one picture, `runs` times over, after `warm_up` unmeasured ones.

        From the input tensor to the output tensors, the way through the socket included.
        """
        _, height, width, _ = self.input.shape
        gray = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
        tensor = quantize(gray, self._table)
        taken = []
        for _ in range(warm_up + runs):
            began = time.perf_counter()
            self._client.invoke(self._model, [tensor])
            taken.append((time.perf_counter() - began) * 1000)
        return taken[warm_up:]
