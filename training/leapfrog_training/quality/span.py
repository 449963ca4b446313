"""The span of vectors: their mean and the directions in which they vary most."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def span(values: Floats, components: int) -> tuple[Floats, Floats]:
    """Mean (N,) and the first principal components (K, N) of B vectors (B, N)."""
    mean = values.mean(axis=0)
    centred = (values - mean).astype(np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return mean, np.ascontiguousarray(vectors[:, ::-1][:, :components].T.astype(np.float32))
