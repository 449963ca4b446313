"""Quantized tensors: converts gray pictures to a model's int8 numbers, and those to floats."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog.errors import EngineError

ROUNDING_MARGIN = 1e-4  # of a step; so that a half which floating point made slightly smaller still rounds up


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a model. `scale` is 0 for a tensor that is not quantized."""

    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0

    @property
    def byte_count(self) -> int:
        """How many bytes the tensor's values occupy."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def quantization_table(spec: TensorSpec) -> NDArray[np.generic]:
    """The model's number for each of the 256 grays: gray / 127.5 - 1, then the input's own scale and zero point.

    Halves round up: with a scale of 2 / 255 every gray is a half, and this way each keeps its own number. A float32
    input gets the real number. Raises EngineError for an input of any other type.
    """
    symmetric = np.arange(256, dtype=np.float64) / 127.5 - 1.0
    kind = np.dtype(spec.dtype)
    if kind == np.float32:
        return symmetric.astype(np.float32)
    if kind not in (np.int8, np.uint8) or spec.scale <= 0:
        raise EngineError(f"The model's input is {spec.dtype} with scale {spec.scale}; int8 or uint8 is needed.")
    limits = np.iinfo(kind)
    steps = np.floor(symmetric / spec.scale + 0.5 + ROUNDING_MARGIN) + spec.zero_point
    table: NDArray[np.generic] = np.clip(steps, limits.min, limits.max).astype(kind)
    return table


def quantize(picture: NDArray[np.uint8], table: NDArray[np.generic]) -> NDArray[np.generic]:
    """The input tensor (1, height, width, 1) for a model-sized gray `picture` (height, width)."""
    return table[picture][np.newaxis, :, :, np.newaxis]


def dequantize(values: NDArray[np.generic], spec: TensorSpec) -> NDArray[np.float32]:
    """The real numbers that a tensor represents: scale * (value - zero point)."""
    if spec.scale <= 0:
        return values.astype(np.float32)
    shifted = values.astype(np.float32) - np.float32(spec.zero_point)
    real: NDArray[np.float32] = shifted * np.float32(spec.scale)
    return real
