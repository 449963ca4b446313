"""Finds the part of a film that the X-rays exposed: without collimator edges, printed or scanned borders, and margins.

A model that sees a border learns what borders mean, and answers differently where a clinic's films have others.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.reader.image.pixels import PixelRegion

LOOKED_AT = 256  # pixels of the longer side: borders are wide, and a film of 10 megapixels would take long
LEAST_LIGHT = 0.15  # of the film's brightest parts: a darker row or column lies outside
DARKEST_FIELD = 8.0  # gray
FLATTEST_FIELD = 12.0  # gray, between the 10th and the 90th percentile: a flatter row or column is a border's
LEAST_FIELD = 1 / 3  # of the film's height or width: a smaller field was not found


def exposed_field(gray: NDArray[np.uint8]) -> PixelRegion:
    """The exposed field of a film (H, W), air dark; the whole film if it has no edges that can be told."""
    rows, columns = gray.shape
    by = max(1, -(-max(rows, columns) // LOOKED_AT))
    film = np.asarray(Image.fromarray(gray).reduce(by)) if by > 1 else gray
    left, top, right, bottom = 0, 0, film.shape[1], film.shape[0]
    for _ in range(film.shape[0] + film.shape[1]):
        field = film[top:bottom, left:right]
        inside = _inside(field, axis=1), _inside(field, axis=0)
        found_rows, found_columns = map(np.flatnonzero, inside)
        if len(found_rows) < LEAST_FIELD * film.shape[0] or len(found_columns) < LEAST_FIELD * film.shape[1]:
            return 0, 0, columns, rows
        smaller = (
            left + int(found_columns[0]),
            top + int(found_rows[0]),
            left + int(found_columns[-1]) + 1,
            top + int(found_rows[-1]) + 1,
        )
        if smaller == (left, top, right, bottom):
            break
        left, top, right, bottom = smaller
    return left * by, top * by, min(right * by, columns), min(bottom * by, rows)


def _inside(field: NDArray[np.uint8], axis: int) -> NDArray[np.bool_]:
    """Which rows (`axis` 1) or columns (0) are lit and not of one gray."""
    dark, light = np.percentile(field, (10, 90), axis=axis)
    least = max(LEAST_LIGHT * float(np.percentile(field, 95)), DARKEST_FIELD)
    return np.asarray((light > least) & (light - dark > FLATTEST_FIELD))
