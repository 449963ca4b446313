"""A mask averaged over mirror images."""

import numpy as np
from numpy.typing import NDArray

from leapfrog.reader.assess.outlines.mirrored import averaged


def disc(x: float, y: float) -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:40, 0:60]
    inside = (columns - x) ** 2 + (rows - y) ** 2 < 15**2
    return np.asarray(inside[np.newaxis, :, :, np.newaxis], dtype=np.float32)


def test_masks_of_mirror_images_are_turned_back_and_averaged() -> None:
    picture = (disc(25, 18)[0, :, :, 0] * 200).astype(np.uint8)

    def shifted_right(shown: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        mask = np.roll(shown >= 100, 1, axis=1).astype(np.float32)
        return [mask[np.newaxis, :, :, np.newaxis]]

    own = shifted_right(picture)
    mean = averaged(shifted_right, picture, own, mask=0).outputs[0][0, :, :, 0]
    assert own[0][0, 18].ravel() @ np.arange(60) / own[0][0, 18].sum() == 26
    assert mean[18] @ np.arange(60) / mean[18].sum() == 25


def test_a_mirror_image_in_which_another_thing_is_outlined_does_not_count() -> None:
    own = [disc(20, 20)]
    mean = averaged(lambda _picture: [disc(40, 20)], np.zeros((40, 60), np.uint8), own, mask=0)
    # Turned left for right, what lies at 40 is at 19: that agrees. Turned over only, it does not.
    assert mean.outputs[0][0, 20, 42, 0] == 0
    assert mean.outputs[0][0, 20, 20, 0] == 1
    assert mean.alike < 0.8
