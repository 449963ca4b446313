"""Films made from two patients': what a network is trained on, so that nothing but the lungs tells it the answer.

In every set, films of the sick differ from those of the healthy in more than the lungs: in exposure, framing, view and
posture, in cables and hands, in how a collection was made. A network takes whichever is easiest. In most of these films
the lungs are in another film's frame, sick or healthy by chance, so the frame tells nothing (Xiao et al., "Noise or
Signal: The Role of Image Backgrounds in Object Recognition", ICLR 2021); most have the grays of yet another film; many
are blurred a little, since sharpness tells which collection a film is from; and in some the lungs are hidden, which are
to be answered with what is usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog_training.evaluate.controls import (
    LUNGS,
    Ellipse,
    Gray,
    across_the_field,
    histogram,
    lungs_in,
    with_grays,
)
from leapfrog_training.fitting.examples import Examples
from leapfrog_training.fitting.pictures import Pictures

TOGETHER = 0.3  # of the hidden: one patch over both lungs, or over more of the film
PATCH_CELLS = 5  # a patch of another film is shrunk to this many cells a side, which leaves its light and shade
SMALLEST = 0.6  # of its side: a film is shrunk to between this and its size, and enlarged again

Random = np.random.Generator


@dataclass(frozen=True)
class Group:
    """Films that are alike for mixing, by their positions, and the share of all draws that is drawn from them."""

    films: NDArray[np.intp]
    share: float


@dataclass(frozen=True)
class Mixing:
    """What is done to which share of the films made. The rest keep their frame and show their lungs."""

    in_other_frame: float
    hidden: float
    other_grays: float
    shrunk: float


def made_up_examples(
    pictures: Pictures,
    answers: NDArray[np.float32],
    groups: Sequence[Group],
    mixing: Mixing,
    count: int,
    seed: int,
) -> Examples:
    """`count` films made from `pictures` (n, side, side, 1) with their `answers` (n, findings); where the lungs are
    hidden the target is the mean answer over the draws. The same `seed` makes the same films.

    Raises ValueError if a group has no film.
    """
    made = MadeUpFilms(pictures, answers, groups, mixing, count, seed)
    return Examples(made, made.targets)


class MadeUpFilms:
    """The films, each made when it is read, always alike: uint8 (count, side, side, 1)."""

    def __init__(
        self,
        pictures: Pictures,
        answers: NDArray[np.float32],
        groups: Sequence[Group],
        mixing: Mixing,
        count: int,
        seed: int,
    ) -> None:
        """As `made_up_examples`; no film is made yet."""
        if any(len(group.films) == 0 for group in groups):
            raise ValueError("films of every group are needed")
        self._pictures, self._groups, self._mixing, self._seed = pictures, groups, mixing, seed
        self._shares = np.array([group.share for group in groups])
        random = np.random.default_rng((seed, count))
        self._lungs = np.array([self._drawn(random) for _ in range(count)])
        chances = random.random(count)
        self._in_other_frame = chances < mixing.in_other_frame
        self._hidden = ~self._in_other_frame & (chances < mixing.in_other_frame + mixing.hidden)
        usual = sum(group.share * answers[group.films].mean(axis=0) for group in groups)
        shown = answers[self._lungs]
        self.targets = np.where(self._hidden[:, np.newaxis], usual, shown).astype(np.float32)

    def __len__(self) -> int:
        """The number of films."""
        return len(self._lungs)

    def __getitem__(self, positions: Any, /) -> NDArray[np.uint8]:
        """The films at `positions`: a slice, or an array of integers."""
        return np.stack([self._made(int(position)) for position in np.arange(len(self))[positions]])[..., np.newaxis]

    def _made(self, position: int) -> Gray:
        random = np.random.default_rng((self._seed, position))
        film = self._film(int(self._lungs[position]))
        if random.random() < self._mixing.other_grays:
            film = with_grays(film, histogram(self._any(random)))
        if self._in_other_frame[position]:
            film = lungs_in(film, self._any(random), edge=random.uniform(0.02, 0.2), lungs=_moved(LUNGS, random))
        elif self._hidden[position]:
            film = _hidden(film, self._any(random), random)
        return _shrunk(film, random) if random.random() < self._mixing.shrunk else film

    def _film(self, index: int) -> Gray:
        return np.asarray(self._pictures[index : index + 1][0, :, :, 0])

    def _any(self, random: Random) -> Gray:
        return self._film(self._drawn(random))

    def _drawn(self, random: Random) -> int:
        group = self._groups[int(random.choice(len(self._groups), p=self._shares))]
        return int(random.choice(group.films))


def _moved(lungs: tuple[Ellipse, ...], random: Random) -> tuple[Ellipse, ...]:
    """The ellipses, moved and of another size, so that no edge is always in one place."""
    right, down = random.normal(0, 0.02, 2)
    wider, taller = random.uniform(0.85, 1.25), random.uniform(0.85, 1.2)
    return tuple(
        Ellipse(lung.x + right, lung.y + down, lung.half_width * wider, lung.half_height * taller) for lung in lungs
    )


def _hidden(film: Gray, other: Gray, random: Random) -> Gray:
    """The film with its lungs under ellipses or patches with rounded corners, which are even, grainy, or shaded as
    `other` is.
    """
    x, y = across_the_field(film)
    roundness = random.choice((2, 2, 4, 6, 8))  # 2 is an ellipse
    patched = np.zeros(film.shape, dtype=np.bool_)
    large = Ellipse(0.5, 0.48, random.uniform(0.38, 0.55), random.uniform(0.36, 0.55))
    for patch in (large,) if random.random() < TOGETHER else _moved(LUNGS, random):
        across = np.abs((x - patch.x) / patch.half_width)
        along = np.abs((y - patch.y) / patch.half_height)
        patched |= across**roundness + along**roundness <= 1
    fills = (_mean, _even, _grainy, _shaded)
    return np.where(patched, fills[random.integers(len(fills))](film, other, random), film)


def _mean(film: Gray, other: Gray, random: Random) -> Gray:
    return np.full_like(film, round(float(film.mean())))


def _even(film: Gray, other: Gray, random: Random) -> Gray:
    return np.full_like(film, random.integers(0, 256))


def _grainy(film: Gray, other: Gray, random: Random) -> Gray:
    grains = random.normal(random.uniform(60, 200), random.uniform(5, 40), film.shape)
    return np.asarray(grains.clip(0, 255).astype(np.uint8))


def _shaded(film: Gray, other: Gray, random: Random) -> Gray:
    cells = Image.fromarray(other).resize((PATCH_CELLS, PATCH_CELLS), Image.Resampling.BOX)
    return np.asarray(cells.resize(other.shape[::-1], Image.Resampling.BICUBIC), dtype=np.uint8)


def _shrunk(film: Gray, random: Random) -> Gray:
    rows, columns = film.shape
    share = random.uniform(SMALLEST, 1)
    smaller = Image.fromarray(film).resize((round(columns * share), round(rows * share)), Image.Resampling.BILINEAR)
    return np.asarray(smaller.resize((columns, rows), Image.Resampling.BILINEAR), dtype=np.uint8)
