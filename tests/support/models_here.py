"""Model packages run in the test's own process, without an engine host."""

import time
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from leapfrog.engine.tensors import TensorSpec, dequantize, quantization_table, quantize
from leapfrog.exam import Device
from leapfrog.packages.package import ModelPackage


class ModelsHere:
    """Runs the packages in this process; the first runs take as many seconds longer as `delays` says. `failure` is
    raised instead of answering.
    """

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.delays: list[float] = []
        self.count = 0

    def device_of(self, _package: ModelPackage) -> Device:
        return "cpu"

    def infer(self, package: ModelPackage, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        if self.failure is not None:
            raise self.failure
        self.count += 1
        time.sleep(self.delays.pop(0) if self.delays else 0.0)
        interpreter = Interpreter(model_path=str(package.model_path), num_threads=1)
        interpreter.allocate_tensors()
        details = interpreter.get_input_details()[0]
        interpreter.set_tensor(details["index"], quantize(picture, quantization_table(_spec(details))))
        interpreter.invoke()
        return [
            dequantize(interpreter.get_tensor(output["index"]), _spec(output))
            for output in interpreter.get_output_details()
        ]


def _spec(details: dict[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    return TensorSpec(tuple(details["shape"]), np.dtype(details["dtype"]).name, scale, zero_point)
