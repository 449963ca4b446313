"""A model file run as the kiosk runs it: its own pictures, tensors and readings, with LiteRT in this process.

Runs on the training machine only.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from leapfrog.reading.pixels import model_input
from leapfrog.reading.tensors import TensorSpec, dequantize, quantization_table, quantize


class KioskModel:
    """A TFLite file between gray pictures and real outputs, through the kiosk's `tensors`."""

    def __init__(self, model: Path | bytes, threads: int = 1) -> None:
        """Load the file or its content. Raises ValueError when it is no TFLite model."""
        source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        self._interpreter = Interpreter(**source, num_threads=threads)
        self._interpreter.allocate_tensors()
        self.input = _spec(self._interpreter.get_input_details()[0])
        self.outputs = tuple(_spec(detail) for detail in self._interpreter.get_output_details())
        self._table = quantization_table(self.input)

    def output_of_rank(self, rank: int) -> int:
        """The index of the only output with `rank` dimensions: scores have 2, maps and masks 4."""
        (index,) = (index for index, spec in enumerate(self.outputs) if len(spec.shape) == rank)
        return index

    def run(self, gray: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """The real outputs for one gray picture (rows, columns) of any size, in the model's order."""
        _, height, width, _ = self.input.shape
        tensor = quantize(model_input(gray, height, width), self._table)
        self._interpreter.set_tensor(self._interpreter.get_input_details()[0]["index"], tensor)
        self._interpreter.invoke()
        details = self._interpreter.get_output_details()
        return tuple(
            dequantize(self._interpreter.get_tensor(detail["index"]), spec)
            for detail, spec in zip(details, self.outputs, strict=True)
        )

    def run_all(self, pictures: Sequence[NDArray[np.uint8]]) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """`run` of each picture."""
        return (self.run(gray) for gray in pictures)


def _spec(detail: dict[str, Any]) -> TensorSpec:
    scale, zero_point = detail["quantization"]
    shape = tuple(int(length) for length in detail["shape"])
    return TensorSpec(shape, np.dtype(detail["dtype"]).name, float(scale), int(zero_point))
