"""A model file run as the kiosk runs it: its own pictures, tensors and readings, and its own engine host.

Runs on the training machine only.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leapfrog.reading.pixels import model_input
from leapfrog.reading.standalone_engine import StandaloneEngine
from leapfrog.reading.tensors import dequantize, quantization_table, quantize


class KioskModel:
    """A TFLite file between gray pictures and real outputs: the kiosk's `pixels` and `tensors` around its engine host,
    a process of its own that ends with this object.
    """

    def __init__(self, model: Path, threads: int = 1) -> None:
        """Load the file. Raises EngineRefused when the host does not take it, EngineError when the host fails."""
        self._engine = StandaloneEngine()
        self._client = self._engine.client
        self._client.hello()
        self._model = self._client.load(model, threads)
        (self.input,) = self._model.inputs
        self.outputs = self._model.outputs
        self._table = quantization_table(self.input)

    def output_of_rank(self, rank: int) -> int:
        """The index of the only output with `rank` dimensions: scores have 2, maps and masks 4."""
        (index,) = (index for index, spec in enumerate(self.outputs) if len(spec.shape) == rank)
        return index

    def run(self, gray: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """The real outputs for one gray picture (rows, columns) of any size, in the model's order."""
        _, height, width, _ = self.input.shape
        answers = self._client.invoke(self._model, [quantize(model_input(gray, height, width), self._table)])
        return tuple(dequantize(answer, spec) for answer, spec in zip(answers, self.outputs, strict=True))

    def run_all(self, pictures: Sequence[NDArray[np.uint8]]) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """`run` of each picture."""
        return (self.run(gray) for gray in pictures)

    def latencies_ms(self, runs: int, warm_up: int) -> NDArray[np.float64]:
        """How long the engine host took for each of `runs` answers, in milliseconds, after `warm_up` others."""
        _, height, width, _ = self.input.shape
        random = np.random.default_rng(0)
        tensor = quantize(random.integers(0, 256, (height, width), dtype=np.uint8), self._table)
        taken = []
        for _ in range(warm_up + runs):
            start = time.perf_counter()
            self._client.invoke(self._model, [tensor])
            taken.append((time.perf_counter() - start) * 1000)
        return np.array(taken[warm_up:])
