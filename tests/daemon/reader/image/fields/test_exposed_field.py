"""The exposed field of films: the same with and without borders, the whole film where there are no edges."""

import numpy as np
import pytest
from numpy.typing import NDArray

from leapfrog.reader.image.fields.exposed_field import exposed_field


def film(rows: int = 300, columns: int = 280) -> NDArray[np.uint8]:
    """A film-like picture without edges: shaded, with some grain."""
    y, x = np.mgrid[0:rows, 0:columns]
    shade = 120 + 60 * np.sin(x / 31 + 1) * np.cos(y / 47)
    grain = np.random.default_rng(0).normal(0, 4, shade.shape)
    return np.asarray((shade + grain).clip(0, 255).astype(np.uint8))


def test_a_film_without_edges_is_whole() -> None:
    assert exposed_field(film()) == (0, 0, 280, 300)


@pytest.mark.parametrize("gray", [0, 120, 255])
@pytest.mark.parametrize("share", [0.05, 0.1])
def test_a_border_of_one_gray_is_left_out(gray: int, share: float) -> None:
    rows, columns = round(300 * share), round(280 * share)
    bordered = np.pad(film(), ((rows, rows), (columns, columns)), constant_values=gray)
    found = exposed_field(bordered)
    assert np.allclose(found, (columns, rows, columns + 280, rows + 300), atol=4)


def test_a_black_border_inside_a_white_one_is_left_out() -> None:
    bordered = np.pad(np.pad(film(), 15, constant_values=0), 15, constant_values=255)
    assert np.allclose(exposed_field(bordered), (30, 30, 310, 330), atol=4)


def test_a_large_film_is_measured_as_a_small_one() -> None:
    bordered = np.pad(film(3000, 2800), ((300, 300), (280, 280)), constant_values=0)
    assert np.allclose(exposed_field(bordered), (280, 300, 3080, 3300), atol=28)


@pytest.mark.parametrize("gray", [0, 128, 255])
def test_a_blank_picture_is_whole(gray: int) -> None:
    assert exposed_field(np.full((200, 100), gray, np.uint8)) == (0, 0, 100, 200)


def test_a_small_lit_spot_is_no_field() -> None:
    spot = np.zeros((300, 300), np.uint8)
    spot[100:150, 100:150] = film(50, 50)
    assert exposed_field(spot) == (0, 0, 300, 300)
