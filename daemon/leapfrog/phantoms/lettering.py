"""Letters burnt into a phantom's pixels."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont


def letter(
    picture: NDArray[np.float32], text: str, middle: tuple[float, float], height: float, brightness: float
) -> NDArray[np.float32]:
    """`picture` (rows, columns) with `text` in it; `middle` (x, y) and `height` are fractions of the picture."""
    rows, columns = picture.shape
    mask = Image.new("L", (columns, rows), 0)
    font = ImageFont.load_default(max(round(height * rows), 8))
    ImageDraw.Draw(mask).text((middle[0] * columns, middle[1] * rows), text, fill=255, font=font, anchor="mm")
    share = np.asarray(mask, dtype=np.float32) / 255
    return np.asarray(picture * (1 - share) + brightness * share, dtype=np.float32)
