"""Changes that films meet on their way to a kiosk, and that must not change what it says: saving, exposure, size,
borders, crops, a film that hangs askew, another window.
"""

from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Gray = NDArray[np.uint8]
Change = Callable[[Gray], Gray]

LIGHTEST = 255


def _saved_as_jpeg(film: Gray, quality: int) -> Gray:
    stream = BytesIO()
    Image.fromarray(film).save(stream, format="jpeg", quality=quality)
    return np.asarray(Image.open(stream), dtype=np.uint8)


def _with_gamma(film: Gray, exponent: float) -> Gray:
    return np.asarray((LIGHTEST * (film / LIGHTEST) ** exponent).round().astype(np.uint8))


def _resized(film: Gray, factor: float) -> Gray:
    rows, columns = (round(side * factor) for side in film.shape)
    return np.asarray(Image.fromarray(film).resize((columns, rows), Image.Resampling.BICUBIC), dtype=np.uint8)


def _bordered(film: Gray, share: float, gray: int) -> Gray:
    rows, columns = (round(side * share) for side in film.shape)
    return np.pad(film, ((rows, rows), (columns, columns)), constant_values=gray)


def _cropped(film: Gray, share: float) -> Gray:
    rows, columns = (round(side * share) for side in film.shape)
    return np.ascontiguousarray(film[rows:-rows, columns:-columns])


def _turned(film: Gray, degrees: float) -> Gray:
    return np.asarray(Image.fromarray(film).rotate(degrees, Image.Resampling.BILINEAR), dtype=np.uint8)


def _windowed(film: Gray, black: float, white: float) -> Gray:
    """The film with grays from the share `black` to the share `white` of its range spread over the whole range."""
    low, high = black * LIGHTEST, white * LIGHTEST
    return np.asarray(((film - low) * (LIGHTEST / (high - low))).clip(0, LIGHTEST).round().astype(np.uint8))


CHANGES: Mapping[str, Change] = {
    "saved as JPEG at quality 60": partial(_saved_as_jpeg, quality=60),
    "gamma 0.7": partial(_with_gamma, exponent=0.7),
    "gamma 1.4": partial(_with_gamma, exponent=1.4),
    "half size": partial(_resized, factor=0.5),
    "double size": partial(_resized, factor=2),
    "black border of 5 %": partial(_bordered, share=0.05, gray=0),
    "black border of 10 %": partial(_bordered, share=0.1, gray=0),
    "white border of 5 %": partial(_bordered, share=0.05, gray=LIGHTEST),
    "white border of 10 %": partial(_bordered, share=0.1, gray=LIGHTEST),
    "cropped by 5 %": partial(_cropped, share=0.05),
    "cropped by 10 %": partial(_cropped, share=0.1),
    "turned by 3 degrees": partial(_turned, degrees=3),
    "narrower window": partial(_windowed, black=0.08, white=0.92),
    "darker window": partial(_windowed, black=0.0, white=1.25),
}
