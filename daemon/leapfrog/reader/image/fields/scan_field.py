"""Finds the part of an ultrasound picture that the scanner drew: a sector, a trapezoid or a rectangle of echoes.

Around it lie the machine's screen, letters, the orientation mark, rulers and bars of grays, which a model must not see.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from leapfrog.reader.image.fields.connected import labelled, largest_part
from leapfrog.reader.image.pixels import PixelRegion

LOOKED_AT = 256  # pixels of the longer side: finer detail tells nothing more about where the field ends
BACKGROUND_PERCENTILE = 0.5
LEAST_SPECKLE = 2  # gray levels by which echoes near each other differ; plain panels do not
LEAST_PANEL = 0.005  # of the picture in one gray
DARKEST_PANEL = 12  # gray; what is plain and darker may be the inside of a head
SAME_GRAY = 1  # gray levels
THIN = 3  # pixels looked at; what is thinner is a stroke or a bar, and joins nothing
LEAST_PART = 0.04  # of the largest part: smaller ones beside it may be writing
MOST_GROWTH = 2.5  # times a part's size, by which the outline grows with it: else it lies too far off
AROUND_MARK = 9  # pixels looked at; half of it around a mark belongs to it
GAP = 7  # pixels looked at; so small a calm spot among echoes is filled
WIDEST_MARK = 11  # pixels looked at: letters, marks, rulers and bars are narrower, one way or the other
BRIGHT, DARK = 0.65, 0.05  # of the brightest echoes
LEAST_DARK = 0.4  # of the square around a mark
LEAST_FIELD = 1 / 4  # of the picture's height and width: a smaller field was not found
LEAST_FILLED = 0.5  # of the outline's inside shows echoes; less is scattered writing

Kind = TypeVar("Kind", np.uint8, np.bool_)
Outline = tuple[tuple[float, float], ...]  # the corners (x, y) of a convex outline, in pixels


@dataclass(frozen=True)
class ScanField:
    """The scanned part of a picture of `shape` (rows, columns): the convex `outline` around its echoes. Without an
    outline the field was not found, and all of the picture counts as scanned.
    """

    shape: tuple[int, ...]
    outline: Outline = ()

    @cached_property
    def box(self) -> PixelRegion:
        """The rectangle around it; the whole picture if it was not found."""
        rows, columns = self.shape[:2]
        if not self.outline:
            return 0, 0, columns, rows
        x, y = np.array(self.outline).T
        left, top = max(int(np.floor(x.min())), 0), max(int(np.floor(y.min())), 0)
        return left, top, min(int(np.ceil(x.max())), columns), min(int(np.ceil(y.max())), rows)

    def at(self, left: int, top: int, shape: tuple[int, ...]) -> Self:
        """The same field in a picture of `shape`, of which this one was the part that begins at (`left`, `top`)."""
        outline = self.outline or _corners(0, 0, self.shape[1], self.shape[0])
        return replace(self, shape=shape, outline=tuple((x + left, y + top) for x, y in outline))

    def alone(self, gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (rows, columns) with black where nothing was scanned."""
        if not self.outline:
            return gray
        inside = Image.new("1", (self.shape[1], self.shape[0]))
        ImageDraw.Draw(inside).polygon(self.outline, fill=1)
        return np.where(np.asarray(inside), gray, np.uint8(0))


def _corners(left: float, top: float, right: float, bottom: float) -> Outline:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def scan_field(gray: NDArray[np.uint8]) -> PixelRegion:
    """The rectangle around the scanned part of an ultrasound picture (H, W), as displayed; the whole picture if there
    is none that can be told.
    """
    return find_scan(gray).box


def find_scan(gray: NDArray[np.uint8]) -> ScanField:
    """The scanned part of an ultrasound picture (H, W), as displayed.

    Echoes are speckled, and a machine's screen is not. What is speckled, but narrow like writing, is left out; of what
    is left the largest part is taken, and all that lies between its points, since a scan has no notches.
    """
    whole = ScanField(gray.shape)
    rows, columns = gray.shape
    by = max(1, -(-max(rows, columns) // LOOKED_AT))
    picture = np.asarray(Image.fromarray(gray).reduce(by)) if by > 1 else gray
    if min(picture.shape) <= 2 * WIDEST_MARK:
        return whole
    echoes = _opened(_echoes(picture), THIN)
    echoes &= ~_marks(picture)
    scan = _with_tips(_with_parts_beside(_opened(_closed(echoes, GAP), WIDEST_MARK)), echoes)
    scan = _extreme(scan, 3, np.maximum)  # as far as `_echoes` looked around each pixel
    corners = _convex(scan)
    if not corners:
        return whole
    wide, high = np.ptp(np.array(corners), axis=0)
    filled = float(scan.sum()) / max(_inside(corners), 1.0)
    if wide < LEAST_FIELD * picture.shape[1] or high < LEAST_FIELD * picture.shape[0] or filled < LEAST_FILLED:
        return whole
    return replace(whole, outline=tuple((min(a * by, columns), min(b * by, rows)) for a, b in corners))


def _echoes(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where all is brighter than the background, and speckled: not between strokes of letters, nor on panels."""
    darkest = _extreme(picture, 3, np.minimum)
    varied = _extreme(picture, 5, np.maximum) - _extreme(picture, 5, np.minimum) >= LEAST_SPECKLE
    background = int(np.percentile(picture, BACKGROUND_PERCENTILE))
    return np.asarray((darkest > background) & varied & ~_plain(picture))


def _plain(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of panels of one gray, up to their edges."""
    flat = _extreme(picture, 5, np.maximum) == _extreme(picture, 5, np.minimum)
    grays = np.bincount(picture[flat], minlength=256) > LEAST_PANEL * picture.size
    grays[:DARKEST_PANEL] = False
    near = np.convolve(grays, np.ones(2 * SAME_GRAY + 1), mode="same") > 0
    return np.asarray(near[picture] & _extreme(flat & near[picture], 7, np.maximum))


def _marks(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Small bright spots with more dark than echoes around: marks that stand alone, or over a corner of the scan."""
    brightest = float(np.percentile(picture, 99))
    bright = _opened(picture >= BRIGHT * brightest, THIN)
    parts = np.where(bright, labelled(bright) + 1, 0)
    sizes = np.bincount(parts.ravel())
    dark = np.bincount(parts.ravel(), weights=_share_around(picture <= DARK * brightest).ravel()) / sizes.clip(1)
    is_mark = (sizes <= WIDEST_MARK**2) & (dark >= LEAST_DARK)
    is_mark[0] = False
    return _extreme(is_mark[parts], AROUND_MARK, np.maximum)


def _share_around(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of the mask in the square around each pixel that a mark with its surroundings takes."""
    side = WIDEST_MARK + 4
    sums = np.pad(mask, side // 2 + 1, mode="edge").cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.asarray(inside / side**2)


def _with_parts_beside(echoes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest part of the mask, with those beside it that only a shadow or fluid parts from it."""
    scan = largest_part(echoes)
    parts = np.where(echoes & ~scan, labelled(echoes) + 1, 0)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    for part in np.argsort(-sizes)[: int((sizes >= LEAST_PART * scan.sum()).sum())]:
        with_part = scan | (parts == part)
        if _inside(_convex(with_part)) - _inside(_convex(scan)) <= MOST_GROWTH * sizes[part]:
            scan = with_part
    return scan


def _with_tips(scan: NDArray[np.bool_], echoes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The scan with the corners of a sector, which are narrower than a mark but hang together with it."""
    for _ in range(WIDEST_MARK // 2):
        scan = scan | (_extreme(scan, 3, np.maximum) & echoes)
    return scan


def _closed(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    return _extreme(_extreme(mask, side, np.maximum), side, np.minimum)


def _opened(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    return _extreme(_extreme(mask, side, np.minimum), side, np.maximum)


def _extreme(picture: NDArray[Kind], side: int, which: np.ufunc) -> NDArray[Kind]:
    """The lowest or highest value in the square of `side` (odd) pixels around each; pixels at an edge go on beyond."""
    picture = np.pad(picture, side // 2, mode="edge")
    for axis in (0, 1):
        length = 1
        while length < side:  # twice the length from two of the length, until the side is reached
            step = min(length, side - length)
            first, second = np.split(picture, [picture.shape[axis] - step], axis)[0], np.split(picture, [step], axis)[1]
            picture = which(first, second)
            length += step
    return picture


def _convex(mask: NDArray[np.bool_]) -> Outline:
    """The corners of the convex outline around a mask's pixels (Andrew's monotone chain); none without a pixel."""
    rows = np.flatnonzero(mask.any(axis=1))
    first, last = mask[rows].argmax(axis=1), mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    left = [(float(x), float(y + end)) for y, x in zip(rows, first, strict=True) for end in (0, 1)]
    right = [(float(x), float(y + end)) for y, x in zip(rows, last, strict=True) for end in (0, 1)]
    return tuple(_chain(sorted(left + right))[:-1] + _chain(sorted(left + right, reverse=True))[:-1])


def _chain(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    chain: list[tuple[float, float]] = []
    for x, y in points:
        while len(chain) >= 2 and _turn(chain[-2], chain[-1], (x, y)) <= 0:
            chain.pop()
        chain.append((x, y))
    return chain


def _turn(one: tuple[float, float], two: tuple[float, float], three: tuple[float, float]) -> float:
    return (two[0] - one[0]) * (three[1] - one[1]) - (two[1] - one[1]) * (three[0] - one[0])


def _inside(outline: Outline) -> float:
    """The area inside an outline; 0 without one."""
    if not outline:
        return 0.0
    x, y = np.array(outline).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
