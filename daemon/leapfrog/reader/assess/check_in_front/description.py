"""How the check in front describes a picture: its layout, its edges, and measures of what makes a film unreadable.

The measures are meant physically: how far the grays reach, how much detail of which size there is, how alike left and
right are, how much looks like writing, and whether there are ripples as in a photograph of a screen. None of them knows
a hospital's films from another's.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog.reader.assess.check_in_front.quality import block_means, gradients

Floats = NDArray[np.float32]

GRAY_QUANTILES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
BANDS = (1.5, 3, 6, 10, 15, 21, 28, 38, 52)  # limits in waves per picture; 160 pixels hold 80
LOOKED_AT = 512  # pixels of the longer side in which writing is looked for
STROKES = (60, 20)  # the middle's shorter side in widths of the widest thin and thick stroke
LETTER_STEP = 40  # gray levels that a stroke stands out by
WRITING_CELLS = 10  # the middle of the picture is divided into this many cells each way
RIPPLE_SIDE = 256  # pixels of the part in the middle in which ripples are looked for


@dataclass(frozen=True)
class Description:
    """The description of one picture; each part is a flat vector."""

    thumbnail: Floats
    gradients: Floats
    measures: Floats


def describe(picture: NDArray[np.uint8], shown: NDArray[np.uint8], thumbnail_block: int, block: int) -> Description:
    """Describe the model's input `picture` (H, W), made from `shown`, which has the displayed pixels of the same part.
    The blocks say by how much it is shrunk for each part.
    """
    gray = picture.astype(np.float32) / np.float32(255)
    layout, edges = _layout(gray, thumbnail_block, block)
    measures = np.concatenate([_grays(gray), _detail(gray), _sides(gray), _writing(shown), _ripples(shown)])
    return Description(layout, edges, measures.astype(np.float32))


def _layout(gray: Floats, thumbnail_block: int, block: int) -> tuple[Floats, Floats]:
    """The standardised thumbnail, and the histograms of gradients."""
    thumbnail = block_means(gray, thumbnail_block)
    thumbnail = (thumbnail - thumbnail.mean()) / (thumbnail.std() + np.float32(0.02))
    return thumbnail.ravel(), gradients(block_means(gray, block))


def _grays(gray: Floats) -> Floats:
    """Where the grays lie, how far they reach, and the shares of black and white."""
    quantiles = np.quantile(gray, GRAY_QUANTILES)
    reach = np.log(quantiles[-1] - quantiles[0] + 0.02)
    middle = (quantiles[2:5] - quantiles[0]) / (quantiles[-1] - quantiles[0] + 0.02)
    return np.array([*quantiles, reach, *middle, (gray < 0.03).mean(), (gray > 0.97).mean()], dtype=np.float32)


def _detail(gray: Floats) -> Floats:
    """The log power of waves of each length, beside that of the longest."""
    power, frequency = _spectrum(gray)
    waves = frequency * min(gray.shape)
    bands = [power[(waves >= low) & (waves < high)].sum() for low, high in pairwise(BANDS)]
    logs = np.log(np.asarray(bands) / (power.sum() + 1e-9) + 1e-7)
    return np.asarray([*logs, np.log(power.sum() / gray.size + 1e-7)], dtype=np.float32)


def _sides(gray: Floats) -> Floats:
    """How alike left and right are, and top and bottom; by how much each is brighter."""
    small = gray - gray.mean()
    scale = float((small**2).mean()) + 1e-4
    rows, columns = gray.shape
    left, top = gray[:, : columns // 2].mean(), gray[: rows // 2].mean()
    spread = np.sqrt(scale)
    return np.array(
        [
            (small * small[:, ::-1]).mean() / scale,
            (small * small[::-1]).mean() / scale,
            abs(2 * (left - gray.mean())) / spread,
            2 * (top - gray.mean()) / spread,
        ],
        dtype=np.float32,
    )


def _writing(shown: NDArray[np.uint8]) -> Floats:
    """How much of the picture's middle, in how many of its cells, is thin bright or dark strokes."""
    by = max(1, max(shown.shape) // LOOKED_AT)
    looked_at = np.asarray(Image.fromarray(shown).reduce(by)) if by > 1 else shown
    values: list[float] = []
    rows, columns = looked_at.shape
    middle = np.ascontiguousarray(looked_at[rows // 8 : rows - rows // 8, columns // 8 : columns - columns // 8])
    for number, strokes_across in enumerate(STROKES):
        width = max(2 + number, min(middle.shape) // strokes_across)
        for bright in (True, False):
            strokes = _strokes(middle if bright else 255 - middle, width) > LETTER_STEP
            if not strokes.size:  # a picture of a few pixels has no room for any
                values += [0.0, 0.0]
                continue
            block = max(1, min(strokes.shape) // WRITING_CELLS)
            share = block_means(strokes.astype(np.float32), block)
            values += [float((share > 0.05).mean()), float(np.sqrt(share.mean()))]
    return np.asarray(values, dtype=np.float32)


def _strokes(gray: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """How far each pixel stands out as part of a bright stroke of at most `width` pixels (the white top-hat)."""
    opened = _extreme(_extreme(gray, width + 1, np.minimum), width + 1, np.maximum)
    cut = gray[width : width + opened.shape[0], width : width + opened.shape[1]]
    return np.asarray(cut - np.minimum(opened, cut), dtype=np.uint8)


def _extreme(gray: NDArray[np.uint8], side: int, which: np.ufunc) -> NDArray[np.uint8]:
    """The lowest or highest gray in each square of `side` pixels; smaller by `side` - 1 each way."""
    for axis in (0, 1):
        length = 1
        while length < side:  # squares of twice the length from two of the length, until the side is reached
            step = min(length, side - length)
            gray = which(gray[step:], gray[:-step]) if axis == 0 else which(gray[:, step:], gray[:, :-step])
            length += step
    return gray


def _ripples(shown: NDArray[np.uint8]) -> Floats:
    """How far the strongest wave of a few pixels stands out of its neighbours in the spectrum."""
    rows, columns = shown.shape
    side = min(RIPPLE_SIDE, rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    part = shown[top : top + side, left : left + side].astype(np.float32) / np.float32(255)
    power, frequency = _spectrum(part)
    slanted = _slanted(power.shape)
    values = []
    for low, high in ((0.05, 0.12), (0.12, 0.24), (0.24, 0.5)):
        band = power[(frequency >= low) & (frequency < high) & slanted]
        values.append(float(np.log((band.max() + 1e-9) / (np.median(band) + 1e-7))) if band.size else 0.0)
    return np.asarray(values, dtype=np.float32)


def _slanted(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Waves that are neither upright nor level: rows and columns of a detector or of JPEG make those."""
    slanted = np.ones(shape, dtype=np.bool_)
    slanted[:2] = slanted[-1:] = False
    slanted[:, :2] = False
    return slanted


def _spectrum(gray: Floats) -> tuple[Floats, Floats]:
    """Power and frequency (waves per pixel) of a picture that is faded out towards its edges."""
    rows, columns = gray.shape
    faded = (gray - gray.mean()) * np.outer(np.hanning(rows), np.hanning(columns)).astype(np.float32)
    power = np.abs(np.fft.rfft2(faded)).astype(np.float32) ** 2 / gray.size
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]).astype(np.float32)
    return np.asarray(power, dtype=np.float32), frequency
