"""Heads that are not whole in the picture, made from whole ones: the kiosk must name them and measure none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leapfrog.packages.manifest import Manifest
from leapfrog_training.datasets.hc18 import HeadImage, filled_outline, outline
from leapfrog_training.datasets.images import read_gray
from leapfrog_training.evaluate.kiosk import KioskModel
from leapfrog_training.head.reading import head_answer, kiosk_finding
from leapfrog_training.progress import each

SHARES = (0.05, 0.1, 0.2, 0.35, 0.5)  # of the head's extent that is cut off
SIDES = ("left", "right", "top", "bottom", "slanted")
SLANT = -0.4  # radians; the right edge of a sector
LEAST_SIDE = 32  # pixels of what is left


@dataclass(frozen=True)
class CutHeads:
    """How many cut heads were shown, and how many were measured although they are not whole."""

    pictures: int
    measured: int


def cut_heads(model: KioskModel, manifest: Manifest, images: Sequence[HeadImage]) -> CutHeads:
    """Cut each head on every side, by another share each time, and read it as the kiosk does."""
    pictures = measured = 0
    for number, image in enumerate(each(images, "reading cut heads")):
        for cut in cut_pictures(image, number):
            pictures += 1
            measured += kiosk_finding(manifest, head_answer(model, image, cut)).measurement is not None
    return CutHeads(pictures, measured)


def cut_pictures(image: HeadImage, number: int) -> Iterator[NDArray[np.uint8]]:
    """The picture without a share of the head on each side, then with a slanted edge through the head, black beyond, as
    a sector has it. Which share it is goes by the picture's `number`.
    """
    gray, head = read_gray(image.path), filled_outline(outline(image))
    for turn, side in enumerate(SIDES):
        cut = _without(gray, head, side, SHARES[(number + turn) % len(SHARES)])
        if min(cut.shape) >= LEAST_SIDE:
            yield np.ascontiguousarray(cut)


def _without(gray: NDArray[np.uint8], head: NDArray[np.bool_], side: str, share: float) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(head.any(axis=1)), np.flatnonzero(head.any(axis=0))
    across, down = round(share * len(columns)), round(share * len(rows))
    match side:
        case "left":
            return gray[:, columns[0] + across :]
        case "right":
            return gray[:, : columns[-1] + 1 - across]
        case "top":
            return gray[rows[0] + down :]
        case "bottom":
            return gray[: rows[-1] + 1 - down]
        case _:
            return _behind_slanted_edge(gray, head, share)


def _behind_slanted_edge(gray: NDArray[np.uint8], head: NDArray[np.bool_], share: float) -> NDArray[np.uint8]:
    y, x = np.mgrid[: gray.shape[0], : gray.shape[1]]
    along = x * np.cos(SLANT) + y * np.sin(SLANT)
    lowest, highest = along[head].min(), along[head].max()
    return np.where(along <= highest - share * (highest - lowest), gray, np.uint8(0))
