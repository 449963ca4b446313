"""A check in front that anybody can foresee: it goes by the mean gray of a picture."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from leapfrog.reader.assess.check_in_front.quality import DIRECTIONS, TEXTURE_SCALES, QualityCheck

BLOCK = 4
MEAN_GRAY = 1  # its place among the measures of texture
NEVER = np.array([1e6, 1.0])  # a distance that no picture has


def write_brightness_check(path: Path, input_shape: tuple[int, int], lowest: float, highest: float) -> Path:
    """The `quality.npz` of a check that accepts pictures of this shape whose mean gray, 0 to 1, lies in between."""
    rows, columns = input_shape
    thumbnail = rows // BLOCK * (columns // BLOCK)
    gradient = (rows // BLOCK // 8) * (columns // BLOCK // 8) * DIRECTIONS
    feature = 4 + MEAN_GRAY
    count = 4 + 2 + 2 * TEXTURE_SCALES + 7 + 2
    hidden = np.zeros((count, 2))
    hidden[feature] = (-1, 1)
    limits = np.log(np.array([lowest, highest]) + 0.02)
    check = QualityCheck(
        input_shape=np.array(input_shape, np.int32),
        thumbnail_block=np.array(BLOCK, np.int32),
        gradient_block=np.array(BLOCK, np.int32),
        thumbnail_mean=np.zeros(thumbnail, np.float32),
        thumbnail_components=np.zeros((1, thumbnail), np.float32),
        gradient_mean=np.zeros(gradient, np.float32),
        gradient_components=np.zeros((1, gradient), np.float32),
        feature_mean=np.zeros(count, np.float32),
        feature_scale=np.ones(count, np.float32),
        hidden_weights=hidden.astype(np.float32),
        hidden_bias=np.array([limits[0], -limits[1]], np.float32),
        weights=np.ones(2, np.float32),
        bias=np.array(0, np.float32),
        boundary_scale=np.array([0, 1], np.float32),
        distance_scale=NEVER.astype(np.float32),
        limit=np.array(0.001, np.float32),
        telling=np.array(False),
    )
    np.savez(path, **{field.name: getattr(check, field.name) for field in fields(check)})
    return path
