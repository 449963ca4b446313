"""Films made from two children's: what a network is trained on, so that nothing but the lungs tells it the answer.

In the set, a film of a sick child differs from one of a healthy child in more than the lungs: in exposure, framing, the
child's age and posture, cables and hands. A network takes whichever is easiest. In most of these films the lungs are in
another film's frame, sick or healthy by chance, so the frame tells nothing (Xiao et al., "Noise or Signal: The Role of
Image Backgrounds in Object Recognition", ICLR 2021); most have the grays of yet another film; and in some the lungs are
hidden, which are to be answered with one half.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leapfrog_training.datasets.children_kermany import ChildFilm, Diagnosis
from leapfrog_training.evaluate.controls import (
    LUNGS,
    Ellipse,
    Gray,
    exposed_field,
    histogram,
    lungs_in,
    with_grays,
)
from leapfrog_training.fitting.loop import Examples
from leapfrog_training.fitting.pictures import Pictures

UNKNOWN = 0.5  # the answer where no lung is seen
SHARES = {Diagnosis.NORMAL: 0.5, Diagnosis.BACTERIAL: 0.25, Diagnosis.VIRAL: 0.25}  # of the films made
IN_OTHER_FRAME, HIDDEN = 0.6, 0.25  # of the films made; the rest keep their frame and show their lungs
OTHER_GRAYS = 0.8  # of the films made
TOGETHER = 0.3  # of the hidden: one patch over both lungs, or over more of the film
PATCH_CELLS = 5  # a patch of another film is shrunk to this many cells a side, which leaves its light and shade

Random = np.random.Generator


def made_up_examples(films: Sequence[ChildFilm], pictures: Pictures, count: int, seed: int) -> Examples:
    """`count` films made from `films`, whose `pictures` (n, side, side, 1) are in the same order, each with one target:
    0 healthy, 1 pneumonia, UNKNOWN where the lungs are hidden. The same `seed` makes the same films.

    Raises ValueError if one of the diagnoses of SHARES has no film.
    """
    made = MadeUpFilms(films, pictures, count, seed)
    return Examples(made, made.targets)


class MadeUpFilms:
    """The films, each made when it is read, always alike: uint8 (count, side, side, 1)."""

    def __init__(self, films: Sequence[ChildFilm], pictures: Pictures, count: int, seed: int) -> None:
        """As `made_up_examples`; no film is made yet."""
        self._pictures, self._seed = pictures, seed
        random = np.random.default_rng((seed, count))
        diagnoses = np.array([film.diagnosis.value for film in films])
        self._healthy, self._sick = (
            np.flatnonzero((diagnoses == Diagnosis.NORMAL) == wanted) for wanted in (True, False)
        )
        missing = [kind.value for kind in SHARES if kind not in diagnoses]
        if missing:
            raise ValueError(f"films of every diagnosis are needed; there is none of {', '.join(missing)}")
        kinds = random.choice(list(SHARES), size=count, p=list(SHARES.values()))
        self._lungs = np.array([random.choice(np.flatnonzero(diagnoses == kind)) for kind in kinds])
        chances = random.random(count)
        self._in_other_frame = chances < IN_OTHER_FRAME
        self._hidden = ~self._in_other_frame & (chances < IN_OTHER_FRAME + HIDDEN)
        sick = (kinds != Diagnosis.NORMAL).astype(np.float32)
        self.targets = np.where(self._hidden, np.float32(UNKNOWN), sick)[:, np.newaxis]

    def __len__(self) -> int:
        """The number of films."""
        return len(self._lungs)

    def __getitem__(self, positions: Any, /) -> NDArray[np.uint8]:
        """The films at `positions`: a slice, or an array of integers."""
        return np.stack([self._made(int(position)) for position in np.arange(len(self))[positions]])[..., np.newaxis]

    def _made(self, position: int) -> Gray:
        random = np.random.default_rng((self._seed, position))
        film = self._film(int(self._lungs[position]))
        if random.random() < OTHER_GRAYS:
            film = with_grays(film, histogram(self._any(random)))
        if self._in_other_frame[position]:
            return lungs_in(film, self._any(random), edge=random.uniform(0.02, 0.2), lungs=_moved(LUNGS, random))
        return _hidden(film, self._any(random), random) if self._hidden[position] else film

    def _film(self, index: int) -> Gray:
        return np.asarray(self._pictures[index : index + 1][0, :, :, 0])

    def _any(self, random: Random) -> Gray:
        """A film of a healthy or of a sick child, with even chances."""
        return self._film(int(random.choice(self._healthy if random.random() < 0.5 else self._sick)))


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
    field, (rows, columns) = exposed_field(film), film.shape
    y, x = np.ogrid[0.5 : rows + 0.5, 0.5 : columns + 0.5]
    roundness = random.choice((2, 2, 4, 6, 8))  # 2 is an ellipse
    patched = np.zeros(film.shape, dtype=np.bool_)
    large = Ellipse(0.5, 0.48, random.uniform(0.38, 0.55), random.uniform(0.36, 0.55))
    for patch in (large,) if random.random() < TOGETHER else _moved(LUNGS, random):
        across = np.abs(((x - field.left) / field.width - patch.x) / patch.half_width)
        along = np.abs(((y - field.top) / field.height - patch.y) / patch.half_height)
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
