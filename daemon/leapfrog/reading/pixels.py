"""The displayed picture, and what a model sees of it. Runs in a reader."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def model_input(gray: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The displayed picture `gray` (H, W) at a model's size: (height, width), uint8.

    `gray` is what a person would see, with air dark. Training and the kiosk both call this function, so that a model
    meets the same pixels in a clinic that it was made with. The filter is Pillow's antialiased triangle; the aspect
    ratio is not kept, since the chest films of ChestX-ray14 were squashed to a square themselves.
    """
    picture = Image.fromarray(gray).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=None)
    return np.asarray(picture, dtype=np.uint8)
