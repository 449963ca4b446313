"""The head phantom: its circumference, its cine, and where it lies."""

import math
from itertools import pairwise

import numpy as np
import pytest

from leapfrog.phantoms.fetal_head import COLUMNS, ROWS, FetalHead, draw_fetal_head


def test_the_circumference_is_that_of_the_ellipse_around_the_skull() -> None:
    assert FetalHead(80, 80).circumference_mm == pytest.approx(math.pi * 80)
    points = np.linspace(0, 2 * np.pi, 100_001)
    outline = np.stack([49 * np.cos(points), 38 * np.sin(points)])
    length = np.hypot(*np.diff(outline, axis=1)).sum()
    assert FetalHead(98, 76).circumference_mm == pytest.approx(length, rel=1e-6)


def test_frames_differ_a_little_and_the_same_seed_gives_the_same_cine() -> None:
    cine, again = draw_fetal_head(FetalHead(), 4, 1), draw_fetal_head(FetalHead(), 4, 1)
    assert cine.shape == (4, ROWS, COLUMNS)
    assert np.array_equal(cine, again)
    steps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(cine)]
    assert all(0.5 < step < 20 for step in steps)


def test_the_skull_is_bright_where_the_ellipse_says() -> None:
    head = FetalHead(tilt_degrees=0)
    frame = draw_fetal_head(head, 1, 2)[0].astype(float)
    middle_row = 0.53 * ROWS
    half_height = head.biparietal_mm / 2 / head.pixel_spacing_mm
    columns = slice(COLUMNS // 2 - 15, COLUMNS // 2 + 15)
    profile = frame[:, columns].mean(axis=1)
    top = int(np.argmax(profile[: ROWS // 2]))
    bottom = ROWS // 2 + int(np.argmax(profile[ROWS // 2 :]))
    half_skull = 1.3 / head.pixel_spacing_mm
    assert top == pytest.approx(middle_row - half_height + half_skull, abs=5)
    assert bottom == pytest.approx(middle_row + half_height - half_skull, abs=5)


def test_nothing_is_seen_beside_the_fan() -> None:
    frame = draw_fetal_head(FetalHead(), 1, 3)[0]
    assert frame[:100, :100].max() == 0
    assert frame[:100, -100:].max() == 0
