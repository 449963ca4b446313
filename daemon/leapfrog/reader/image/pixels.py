"""The displayed picture, and the model's input made from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.language.sentence import Sentence

WHITE = 255
PixelRegion = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom are exclusive


@dataclass(frozen=True)
class DisplayedFrame:
    """One displayed frame: `shown` is uint8, (rows, columns) or, in colour, (rows, columns, 3) as RGB.

    `graphics` (rows, columns) are drawn for people only. `notes` are sentences for staff about this frame.
    """

    shown: NDArray[np.uint8]
    graphics: NDArray[np.bool_] | None = None
    notes: tuple[Sentence, ...] = ()

    @property
    def is_colour(self) -> bool:
        """Whether any pixel is not gray; many ultrasound machines send gray pictures as RGB."""
        if self.shown.ndim == 2:
            return False
        red = self.shown[..., 0]
        return not (np.array_equal(red, self.shown[..., 1]) and np.array_equal(red, self.shown[..., 2]))

    def gray(self) -> NDArray[np.uint8]:
        """The picture in grays (H, W); air is dark. A model sees this, so without graphics: none was trained with them,
        and a letter over the lung is no shadow in it.
        """
        if self.shown.ndim == 2:
            return self.shown
        if not self.is_colour:
            return np.ascontiguousarray(self.shown[..., 0])
        return np.asarray(Image.fromarray(self.shown).convert("L"), dtype=np.uint8)

    def picture(self) -> NDArray[np.uint8]:
        """The picture as it should be shown to people, with its graphics in white: (H, W, 3) if it has colours, (H, W)
        if not.
        """
        plain = self.shown if self.is_colour else self.gray()
        if self.graphics is None:
            return plain
        drawn = plain.copy()
        drawn[self.graphics] = WHITE
        return drawn


def model_input(gray: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The displayed picture `gray` (H, W) at a model's size: (height, width), uint8.

    `gray` is what a person would see, with air dark. Training and the kiosk both call this function, so that a model
    sees the same pixels in a clinic as in training. The filter is Pillow's antialiased triangle. The aspect ratio is
    not kept, since the chest films of ChestX-ray14 were squashed to a square too.
    """
    picture = Image.fromarray(gray).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=None)
    return np.asarray(picture, dtype=np.uint8)


def chosen_frames(count: int, limit: int) -> tuple[int, ...]:
    """Indices of at most `limit` of `count` frames, evenly spaced from the first to the last."""
    if limit <= 0:
        return ()
    if count <= limit:
        return tuple(range(count))
    if limit == 1:
        return (count // 2,)
    return tuple(round(index * (count - 1) / (limit - 1)) for index in range(limit))
