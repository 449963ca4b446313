"""Counting values says the same of a picture as looking at each of its pixels."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog.reader.image.value_counts import ValueCounts, counted

PICTURES: dict[str, NDArray[Any]] = {
    "a film": np.random.default_rng(3).normal(2000, 300, (300, 401)).clip(0, 4095).astype(np.uint16),
    "two grays": np.tile(np.array([7, 65535], np.uint16), (3, 5)),
    "one pixel": np.full((1, 1), 9, np.uint16),
    "ultrasound": np.random.default_rng(4).integers(0, 120, (90, 70), dtype=np.uint8),
    "32 bits": np.random.default_rng(5).integers(0, 1 << 31, (20, 30), dtype=np.uint32),
    "real numbers": np.random.default_rng(6).normal(0, 1, (20, 30)).astype(np.float32),
}


@pytest.fixture(params=list(PICTURES.values()), ids=list(PICTURES))
def picture(request: pytest.FixtureRequest) -> NDArray[Any]:
    pixels: NDArray[Any] = request.param
    return pixels


@pytest.mark.parametrize("slope", (1.0, -1.7))
def test_the_range_without_outliers_is_that_of_all_pixels_to_the_last_bit(picture: NDArray[Any], slope: float) -> None:
    numbers, counts = counted(picture[::2, ::2])
    values = ValueCounts.of(numbers.astype(np.float64) * slope + 3, counts)
    pixels = picture[::2, ::2].astype(np.float64) * slope + 3
    assert values.count == pixels.size
    assert values.without_ends(0.2) == tuple(np.percentile(pixels, (0.2, 99.8)))


@pytest.mark.parametrize("ends", ((0.0, 100.0), (7.0, 7.0), (500.0, 400.0), (-9e9, 9e9), (8.0, 8.5)))
def test_the_share_within_a_window_is_that_of_all_pixels(picture: NDArray[Any], ends: tuple[float, float]) -> None:
    values = ValueCounts.of(*counted(picture))
    pixels = picture.astype(np.float64)
    assert values.share_within(*ends) == ((pixels >= ends[0]) & (pixels <= ends[1])).mean()
