"""Parts of scans, with nerves and without."""

import numpy as np

from leapfrog_training.nerve.crops import nerve_free_parts, random_part, random_part_with

FIELD = (20, 10, 120, 90)  # of 100 x 80 pixels


def nerve(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((100, 140), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def test_large_parts_beside_a_nerve_are_taken_and_small_ones_are_not() -> None:
    mask = nerve(30, 20, 50, 30)
    assert nerve_free_parts(mask, FIELD) == ((53, 10, 120, 90), (20, 32, 120, 90))
    for left, top, right, bottom in nerve_free_parts(mask, FIELD):
        assert not mask[top:bottom, left:right].any()


def test_a_scan_without_a_nerve_is_taken_whole_and_one_full_of_it_not_at_all() -> None:
    assert nerve_free_parts(nerve(0, 0, 0, 0), FIELD) == (FIELD,)
    assert nerve_free_parts(nerve(0, 0, 10, 10), FIELD) == (FIELD,)  # beside the scan
    assert nerve_free_parts(nerve(40, 30, 100, 70), FIELD) == ()


def test_random_parts_lie_inside_and_are_as_large_as_asked() -> None:
    generator = np.random.default_rng(0)
    parts = [random_part(FIELD, 0.6, generator) for _ in range(200)]
    for left, top, right, bottom in parts:
        assert FIELD[0] <= left < right <= FIELD[2] and FIELD[1] <= top < bottom <= FIELD[3]
        assert right - left >= 60 and bottom - top >= 48
    assert len({part[0] for part in parts}) > 20


def test_a_part_with_a_nerve_has_at_least_half_of_it() -> None:
    generator, mask = np.random.default_rng(1), nerve(30, 20, 50, 30)
    for _ in range(50):
        left, top, right, bottom = random_part_with(mask, FIELD, 0.5, generator)
        assert mask[top:bottom, left:right].sum() >= mask.sum() / 2


def test_a_nerve_too_large_for_any_part_leaves_the_scan_whole() -> None:
    assert random_part_with(nerve(20, 10, 120, 90), FIELD, 0.3, _Smallest()) == FIELD


class _Smallest(np.random.Generator):
    """Draws the smallest part, at the top left."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def uniform(self, low: float = 0.0, *_: object) -> float:  # type: ignore[override]
        return low

    def integers(self, *_: object) -> int:  # type: ignore[override]
        return 0
