"""Which part of a picture a segmenter is shown."""

import numpy as np
from numpy.typing import NDArray

from leapfrog.reader.assess.outlines.segmentation import PictureArea, cut, model_area


def as_shown(gray: NDArray[np.uint8], input_aspect: float) -> tuple[PictureArea, NDArray[np.uint8]]:
    """The area that the kiosk shows to a segmenter whose input has this aspect (width / height), and its pixels, for a
    picture (rows, columns) without burnt-in text. Black is added if the aspects differ much.
    """
    rows, columns = gray.shape
    box = (0, 0, columns, rows)
    area = model_area(box, (rows, columns), input_aspect)
    return area, cut(gray, area, box)
