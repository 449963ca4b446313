"""Made-up chest films: sampled from what many films have in common, with ribs, vessels and grain drawn on top."""

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import BinaryIO, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

MODEL_PATH = Path(__file__).with_name("chest_model.npz")
ROWS, COLUMNS = 2048, 2500  # of a 35 x 43 cm plate in landscape
DRAWING_ROWS, DRAWING_COLUMNS = 1024, 1250
FURTHEST = 1.5  # spreads that a sampled film may lie from the mean of its kind, in any direction
SAMPLED_SPREAD = 0.55
HAZE = 0.32  # of the full brightness, at the densest
EMPHASIS = 1.8  # how far beyond its kind's mean, away from the other kind, a film lies, so that a model can tell

Lungs = Literal["clear", "opaque"]
Floats = NDArray[np.float32]
Point = tuple[float, float]

# Points of the right lung (on the left of the picture) as fractions of width and height; the left one is its mirror
# image, cut by the heart. They follow the mean of the model.
LUNG = (
    (0.365, 0.115), (0.30, 0.17), (0.235, 0.30), (0.20, 0.46), (0.185, 0.62), (0.19, 0.70), (0.25, 0.665),
    (0.32, 0.645), (0.39, 0.655), (0.425, 0.68), (0.435, 0.55), (0.44, 0.42), (0.43, 0.28), (0.41, 0.16),
)  # fmt: skip
HEART = (
    (0.47, 0.38),
    (0.455, 0.55),
    (0.44, 0.66),
    (0.50, 0.72),
    (0.62, 0.71),
    (0.66, 0.66),
    (0.635, 0.56),
    (0.56, 0.42),
)


@dataclass(frozen=True)
class ChestModel:
    """What many films have in common. S is the side, K the number of components.

    mean: (S, S) uint8. components: (K, S, S) int8, times `steps` (K,) of unit length. spread (K,) is the standard
    deviation along each; clear_position and opaque_position (K,) are the mean positions of films without and with
    findings.
    """

    mean: NDArray[np.uint8]
    components: NDArray[np.int8]
    steps: Floats
    spread: Floats
    clear_position: Floats
    opaque_position: Floats

    @classmethod
    def load(cls, path: Path | BinaryIO = MODEL_PATH) -> Self:
        """Read the shipped model, or the one at `path`."""
        with np.load(path, allow_pickle=False) as archive:
            return cls(**{field.name: archive[field.name] for field in fields(cls)})

    def sample(self, lungs: Lungs, generator: np.random.Generator) -> Floats:
        """A made-up film, (S, S), 0 to 1: random, within the typical range around its kind."""
        steps = generator.standard_normal(len(self.spread)) * SAMPLED_SPREAD
        kinds = (self.clear_position, self.opaque_position)
        kind, other = kinds if lungs == "clear" else reversed(kinds)
        position = kind + EMPHASIS * (kind - other) + np.clip(steps, -FURTHEST, FURTHEST) * self.spread
        picture = self.mean + np.tensordot(position * self.steps, self.components.astype(np.float32), axes=1)
        return np.asarray(np.clip(picture / 255, 0, 1), dtype=np.float32)


_model = cache(ChestModel.load)


def draw_chest(lungs: Lungs, seed: int) -> NDArray[np.uint16]:
    """A frontal chest film as a 12-bit CR plate, (2048, 2500), air dark, "PHANTOM" burnt in.

    The same `lungs` and `seed` give the same film. "opaque" lungs have fluid at one base, and patches.
    """
    generator = np.random.default_rng([seed, 1 if lungs == "opaque" else 0])
    film = _enlarged(_model().sample(lungs, generator))
    film = _with_anatomy(film, lungs, generator)
    # Below the band that reports draw over the top of a phantom's picture.
    film = _letter(film, "PHANTOM", (0.15, 0.11), 0.05, 0.97)
    film = _letter(film, "L", (0.90, 0.12), 0.06, 0.97)
    plate = np.asarray(Image.fromarray(film).resize((COLUMNS, ROWS), Image.Resampling.BILINEAR))
    grain = generator.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    return np.asarray(np.clip(plate * 3800 + 120 + grain * (12 + 20 * plate), 0, 4095), dtype=np.uint16)


def _enlarged(film: Floats) -> Floats:
    large = Image.fromarray(film).resize((DRAWING_COLUMNS, DRAWING_ROWS), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(large, dtype=np.float32), 0, 1)


def _with_anatomy(film: Floats, lungs: Lungs, generator: np.random.Generator) -> Floats:
    """The blurred film with the edges and details that averaging many films removes."""
    shift = generator.normal(0, 0.006, 2)
    lung = _filled([_moved(LUNG, shift), _moved(_mirrored(LUNG), shift)], blur=5)
    heart = _filled([_moved(HEART, shift)], blur=6)
    air = lung * (1 - heart)
    film = film - (0.10 if lungs == "clear" else 0.05) * air + 0.05 * heart
    film = film + 0.06 * _ribs(shift, generator) * (0.3 + 0.7 * lung) + 0.05 * _clavicles(shift)
    film = film + 0.035 * _spine(generator)
    film = film + 0.07 * _vessels(shift, generator) * air
    if lungs == "opaque":
        film = _with_opacities(film + HAZE * _veil(generator) * air, lung, air, generator)
    return np.clip(film + 0.012 * _grain(generator), 0.0, 1.0).astype(np.float32)


def _veil(generator: np.random.Generator) -> Floats:
    """Overlapping veils around both hila and at the bases, 0 to 1."""
    size = (DRAWING_COLUMNS // 4, DRAWING_ROWS // 4)
    veil = Image.new("L", size, 0)
    for _ in range(26):
        x, y = generator.normal(0.36, 0.05), generator.normal(0.46, 0.09)
        middle = (x if generator.random() < 0.5 else 1 - x, y)
        outline = _rounded(_around(middle, generator.uniform(0.02, 0.06), generator))
        one = Image.new("L", size, 0)
        ImageDraw.Draw(one).polygon([(x * size[0], y * size[1]) for x, y in outline], fill=76)
        veil = ImageChops.add(veil, one)
    return _soft(veil.filter(ImageFilter.GaussianBlur(4)).resize((DRAWING_COLUMNS, DRAWING_ROWS)), 2)


def _with_opacities(film: Floats, lung: Floats, air: Floats, generator: np.random.Generator) -> Floats:
    """Fluid at one base, higher at the side as in real effusions, and patches in both lungs."""
    on_right = generator.random() < 0.5
    level = generator.uniform(0.46, 0.54)
    fluid: tuple[Point, ...] = ((0.14, level - 0.10), (0.20, level - 0.04), (0.30, level + 0.02), (0.45, level + 0.05))
    fluid = (*fluid, (0.45, 0.80), (0.14, 0.80))
    share = 0.8 * lung * _filled([fluid if on_right else _mirrored(fluid)], blur=14)
    film = film * (1 - share) + 0.70 * share
    for _ in range(int(generator.integers(3, 6))):
        x, y = generator.uniform(0.24, 0.40), generator.uniform(0.25, 0.58)
        x = x if generator.random() < 0.5 else 1 - x
        radius = generator.uniform(0.03, 0.06)
        patch = _filled([_around((x, y), radius, generator)], blur=22) * generator.uniform(0.14, 0.26)
        film = film + patch * air * (1 - share)
    return film


def _ribs(shift: NDArray[np.float64], generator: np.random.Generator) -> Floats:
    """Nine pairs, from the spine outwards and down, and their fainter front ends, inwards and down."""
    back, front = _canvas(), _canvas()
    back_pen, front_pen = ImageDraw.Draw(back), ImageDraw.Draw(front)
    along = np.linspace(0, 1, 24)
    for number in range(9):
        start = 0.135 + 0.062 * number + generator.normal(0, 0.003)
        reach = 0.10 + 0.195 * np.sin(min(1.0, 0.35 + 0.1 * number) * np.pi / 2)
        drop = 0.05 + 0.006 * number
        x = 0.47 - reach * np.sin(along * np.pi / 2)
        y = start - 0.03 * np.sin(along * np.pi * 0.7) + drop * along**2.2
        forward_x = x[-1] + 0.7 * reach * along**1.3
        forward_y = y[-1] + (0.12 + 0.01 * number) * along**0.85
        for side in (1, -1):
            for pen, columns, rows, width in ((back_pen, x, y, 24), (front_pen, forward_x, forward_y, 20)):
                line = [(0.5 + side * (column - 0.5), row) for column, row in zip(columns, rows, strict=True)]
                pen.line(_in_pixels(_moved(line, shift)), fill=150, width=width, joint="curve")
                for offset in (-width / 2, width / 2):
                    edge = [(column, row + offset) for column, row in _in_pixels(_moved(line, shift))]
                    pen.line(edge, fill=255, width=4)
    return np.asarray(_soft(back, 2) + 0.45 * _soft(front, 2), dtype=np.float32)


def _clavicles(shift: NDArray[np.float64]) -> Floats:
    picture = _canvas()
    pen = ImageDraw.Draw(picture)
    line = ((0.455, 0.185), (0.40, 0.165), (0.33, 0.15), (0.26, 0.125), (0.19, 0.10))
    for side in (line, _mirrored(line)):
        pen.line(_in_pixels(_moved(side, shift)), fill=230, width=26, joint="curve")
    return _soft(picture, 3)


def _spine(generator: np.random.Generator) -> Floats:
    picture = _canvas()
    pen = ImageDraw.Draw(picture)
    for number in range(16):
        top = 0.02 + 0.062 * number + generator.normal(0, 0.002)
        corners = _in_pixels([(0.468, top), (0.532, top + 0.05)])
        pen.rounded_rectangle((*corners[0], *corners[1]), 8, outline=255, fill=110, width=4)
    return _soft(picture, 3)


def _vessels(shift: NDArray[np.float64], generator: np.random.Generator) -> Floats:
    """Trees that grow out of each hilum, thinner at every branch."""
    picture = _canvas()
    pen = ImageDraw.Draw(picture)
    for side in (1, -1):
        for angle in np.linspace(-1.35, 1.35, 9):
            root = (0.5 - side * 0.075 + shift[0], 0.41 + shift[1])
            heading = np.pi / 2 * (1 + side) + side * angle + generator.normal(0, 0.1)
            _branch(pen, root, heading, 11.0, generator)
    return _soft(picture, 1.5)


def _branch(
    pen: ImageDraw.ImageDraw, root: Point, heading: float, width: float, generator: np.random.Generator
) -> None:
    while width > 1:
        length = generator.uniform(0.02, 0.045)
        tip = (root[0] + length * np.cos(heading), root[1] + length * np.sin(heading))
        pen.line(_in_pixels([root, tip]), fill=int(120 + 10 * width), width=round(width))
        if generator.random() < 0.45:
            _branch(
                pen, tip, heading + generator.choice([-1, 1]) * generator.uniform(0.4, 0.8), width * 0.65, generator
            )
        root, heading, width = tip, heading + generator.normal(0, 0.15), width * 0.8


def _grain(generator: np.random.Generator) -> Floats:
    """Texture that is coarser than the plate's own grain, about one standard deviation."""
    texture = np.zeros((DRAWING_ROWS, DRAWING_COLUMNS), dtype=np.float32)
    for factor in (2, 4, 8, 16):
        size = (DRAWING_ROWS // factor, DRAWING_COLUMNS // factor)
        noise = Image.fromarray(generator.standard_normal(size, dtype=np.float32))
        texture += np.asarray(noise.resize((DRAWING_COLUMNS, DRAWING_ROWS), Image.Resampling.BICUBIC)) * 0.5
    return texture


def _canvas() -> Image.Image:
    return Image.new("L", (DRAWING_COLUMNS, DRAWING_ROWS), 0)


def _soft(picture: Image.Image, blur: float) -> Floats:
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float32) / np.float32(255)


def _filled(outlines: list[tuple[Point, ...]], blur: float) -> Floats:
    picture = _canvas()
    pen = ImageDraw.Draw(picture)
    for outline in outlines:
        pen.polygon(_in_pixels(_rounded(outline)), fill=255)
    return _soft(picture, blur)


def _rounded(outline: tuple[Point, ...]) -> list[Point]:
    """The polygon with its corners cut twice (Chaikin), so that it looks natural."""
    points = np.asarray(outline)
    for _ in range(2):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], axis=1).reshape(-1, 2)
    return [(float(x), float(y)) for x, y in points]


def _around(middle: Point, radius: float, generator: np.random.Generator) -> tuple[Point, ...]:
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    lengths = radius * generator.uniform(0.6, 1.3, len(angles))
    return tuple(
        (middle[0] + length * np.cos(angle), middle[1] + length * np.sin(angle))
        for angle, length in zip(angles, lengths, strict=True)
    )


def _moved(points: tuple[Point, ...] | list[Point], shift: NDArray[np.float64]) -> tuple[Point, ...]:
    return tuple((x + float(shift[0]), y + float(shift[1])) for x, y in points)


def _mirrored(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return tuple((1 - x, y) for x, y in points)


def _in_pixels(points: tuple[Point, ...] | list[Point]) -> list[Point]:
    return [(x * DRAWING_COLUMNS, y * DRAWING_ROWS) for x, y in points]


def _letter(
    picture: NDArray[np.float32], text: str, middle: tuple[float, float], height: float, brightness: float
) -> NDArray[np.float32]:
    """`picture` (rows, columns) with `text` on it; `middle` (x, y) and `height` are fractions of the picture."""
    rows, columns = picture.shape
    mask = Image.new("L", (columns, rows), 0)
    font = ImageFont.load_default(max(round(height * rows), 8))
    ImageDraw.Draw(mask).text((middle[0] * columns, middle[1] * rows), text, fill=255, font=font, anchor="mm")
    share = np.asarray(mask, dtype=np.float32) / 255
    return np.asarray(picture * (1 - share) + brightness * share, dtype=np.float32)
