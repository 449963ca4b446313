"""Pictures that nobody should read, made from good ones: what may be wrong with a film on its way to a kiosk.

Each defect has two makers: the one that the check is fitted to, and another, with other means or degrees, on which its
miss rate is measured. A degree that a technician might still accept is made by neither.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from leapfrog.reader.assess.check_in_front.defects import Defect

Gray = NDArray[np.uint8]
Maker = Callable[[Gray, np.random.Generator], Gray]

LIGHTEST = 255
WORDS = (
    "PORTABLE",
    "12.03.2021",
    "NOT FOR DIAGNOSIS",
    "COPY",
    "Ward 4 bed 12",
    "AP SUPINE",
    "kV 81 mAs 2.5",
    "ID 0048213",
)
RESAMPLINGS = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.BOX)


@dataclass(frozen=True)
class MadeDefect:
    """How a kind of defect is made: for fitting, and by name for measuring."""

    kind: Defect
    fitted: Sequence[Maker]
    measured: Mapping[str, Maker]


# ---------------------------------------------------------------- grays


def faint(factor: tuple[float, float]) -> Maker:
    """Contrast times a factor between the two, at any brightness."""

    def make(gray: Gray, generator: np.random.Generator) -> Gray:
        share = generator.uniform(*factor)
        level = generator.uniform(0, LIGHTEST * (1 - share))
        return as_gray(gray * share + level + generator.normal(0, generator.uniform(0, 1), gray.shape))

    return make


def with_gamma(exponent: tuple[float, float]) -> Maker:
    """Grays to the power of an exponent between the two: below 1 too bright, above 1 too dark."""

    def make(gray: Gray, generator: np.random.Generator) -> Gray:
        return as_gray(LIGHTEST * (gray / LIGHTEST) ** generator.uniform(*exponent))

    return make


def clipped(above: bool) -> Maker:
    """A window that leaves most of the film white (`above`) or black."""

    def make(gray: Gray, generator: np.random.Generator) -> Gray:
        low, high = np.quantile(gray, (0.02, 0.98))
        span = max(high - low, 1.0)
        if above:
            return as_gray((gray - low) * (LIGHTEST / (span * generator.uniform(0.15, 0.3))) + 10)
        return as_gray((gray - low - span * generator.uniform(0.72, 0.85)) * (LIGHTEST / span))

    return make


# ---------------------------------------------------------------- sharpness


def blurred(share: tuple[float, float]) -> Maker:
    """Blurred by a Gaussian, with a standard deviation of a share of the shorter side."""

    def make(gray: Gray, generator: np.random.Generator) -> Gray:
        radius = generator.uniform(*share) * min(gray.shape)
        soft = Image.fromarray(gray).filter(ImageFilter.GaussianBlur(radius))
        return as_gray(np.asarray(soft) + generator.normal(0, generator.uniform(0, 1.5), gray.shape))

    return make


def moved(gray: Gray, generator: np.random.Generator) -> Gray:
    """Smeared along a line, as if the patient or the tube had moved: 6 to 10 % of the film, each way."""
    reach = max(int(generator.uniform(0.06, 0.1) * min(gray.shape)), 3)
    smeared = gray.astype(np.float32)
    for axis in (0, 1):
        smeared = np.mean([np.roll(smeared, step, axis) for step in range(-reach // 2, reach // 2 + 1)], axis=0)
    return as_gray(smeared)


def enlarged(side: tuple[float, float]) -> Maker:
    """Shrunk to a few pixels and enlarged again."""

    def make(gray: Gray, generator: np.random.Generator) -> Gray:
        small = int(generator.uniform(*side))
        resampling = RESAMPLINGS[int(generator.integers(len(RESAMPLINGS)))]
        tiny = Image.fromarray(gray).resize((small, small), Image.Resampling.BOX)
        return np.asarray(tiny.resize(gray.shape[::-1], resampling))

    return make


# ---------------------------------------------------------------- framing


def half(share: tuple[float, float], upright: bool, filled: bool) -> Maker:
    """Only the left or right (`upright`) or the upper or lower part of the film, of a share between the two: the rest
    is cut off or `filled` with one gray.
    """

    def make(gray: Gray, generator: np.random.Generator) -> Gray:
        kept = generator.uniform(*share)
        rows, columns = gray.shape
        height, width = (rows, round(columns * kept)) if upright else (round(rows * kept), columns)
        top, left = (0, 0) if generator.random() < 0.5 else (rows - height, columns - width)
        area = slice(top, top + height), slice(left, left + width)
        if not filled:
            return np.ascontiguousarray(gray[area])
        picture = np.full_like(gray, int(generator.choice([0, 0, LIGHTEST, int(generator.integers(LIGHTEST))])))
        picture[area] = gray[area]
        return picture

    return make


def zoomed(share: tuple[float, float]) -> Maker:
    """A small part of the film, as if a program had zoomed in."""

    def make(gray: Gray, generator: np.random.Generator) -> Gray:
        side = generator.uniform(*share)
        height, width = (int(side * length) for length in gray.shape)
        top, left = (int(generator.uniform(0, 1 - side) * length) for length in gray.shape)
        return np.ascontiguousarray(gray[top : top + height, left : left + width])

    return make


# ---------------------------------------------------------------- over the film


def lettered(gray: Gray, generator: np.random.Generator) -> Gray:
    """Lines of text across the film."""
    picture = Image.fromarray(gray)
    pen = ImageDraw.Draw(picture)
    rows, columns = gray.shape
    size = max(generator.uniform(0.035, 0.08) * rows, 8)
    shade = int(generator.choice([LIGHTEST, LIGHTEST, 0, 220]))
    font = ImageFont.load_default(size)
    top, end = generator.uniform(0.05, 0.25) * rows, generator.uniform(0.7, 0.95) * rows
    while top < end:
        line = " ".join(generator.choice(WORDS, 4))
        pen.text((generator.uniform(0, 0.15) * columns, top), line, fill=shade, font=font)
        top += size * generator.uniform(1.2, 2.2)
    return np.asarray(picture)


def stamped(gray: Gray, generator: np.random.Generator) -> Gray:
    """A few large words slanting across the film, such as a watermark."""
    rows, columns = gray.shape
    mask = Image.new("L", (columns, rows), 0)
    pen = ImageDraw.Draw(mask)
    size = generator.uniform(0.13, 0.2) * rows
    font = ImageFont.load_default(size)
    for line in range(int(generator.integers(3, 5))):
        word = str(generator.choice(["SAMPLE COPY", "NOT VALID", "DEMO VERSION", "SPECIMEN"]))
        pen.text((0.02 * columns, (0.05 + 0.24 * line) * rows), word, fill=LIGHTEST, font=font)
    slanted = np.asarray(mask.rotate(generator.uniform(-25, 25)), dtype=np.float32) / LIGHTEST
    shade = float(generator.choice([0, LIGHTEST]))
    return as_gray(gray + (shade - gray) * slanted * generator.uniform(0.8, 1))


def typed(gray: Gray, generator: np.random.Generator) -> Gray:
    """A page of small type over the film, as a program's screen shows it."""
    picture = Image.fromarray(gray)
    pen = ImageDraw.Draw(picture)
    rows, columns = gray.shape
    size = max(0.045 * rows, 9)
    font = ImageFont.load_default(size)
    for line in range(int(rows / (1.5 * size))):
        words = " ".join(
            generator.choice(["patient", "exposure", "Dr", "1998", "left", "chest", "report", "mm", "no"], 9)
        )
        pen.text((0.03 * columns, (0.5 + 1.5 * line) * size), words, fill=LIGHTEST, font=font)
    return np.asarray(picture)


# ---------------------------------------------------------------- a photograph of the film


def photographed(gray: Gray, generator: np.random.Generator) -> Gray:
    """The film on a light box or a screen, photographed aslant: frame, room, perspective, glare, ripples, vignette."""
    return _photograph(gray, generator, slant=(0.04, 0.14), ripple=(2.2, 5.0), strength=(6, 22), glare=(70, 220))


def photographed_otherwise(gray: Gray, generator: np.random.Generator) -> Gray:
    """As `photographed`, with other frames, coarser ripples and weaker glare."""
    return _photograph(gray, generator, slant=(0.06, 0.1), ripple=(5.0, 9.0), strength=(8, 16), glare=(60, 140))


def _photograph(
    gray: Gray,
    generator: np.random.Generator,
    slant: tuple[float, float],
    ripple: tuple[float, float],
    strength: tuple[float, float],
    glare: tuple[float, float],
) -> Gray:
    rows, columns = 360, 360
    film = Image.fromarray(gray).resize((columns, rows), Image.Resampling.BILINEAR)
    rim = int(generator.uniform(0.02, 0.08) * columns)
    framed = Image.new("L", (columns + 2 * rim, rows + 2 * rim), int(generator.choice([10, 30, 235, LIGHTEST])))
    framed.paste(film, (rim, rim))
    side = framed.width
    corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)]
    margin = generator.uniform(0.02, 0.08)
    moved_corners = [
        tuple(
            (margin + (1 - 2 * margin) * place + inward * generator.uniform(*slant)) * side
            for place, inward in zip(corner, (1 - 2 * corner[0], 1 - 2 * corner[1]), strict=True)
        )
        for corner in corners
    ]
    coefficients = _perspective(moved_corners, [(x * side, y * side) for x, y in corners])
    room = int(generator.choice([generator.uniform(5, 60), generator.uniform(120, 210)]))
    taken = framed.transform(framed.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
    inside = Image.new("L", framed.size, LIGHTEST).transform(framed.size, Image.Transform.PERSPECTIVE, coefficients)
    down, right = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    picture = np.where(np.asarray(inside) > 127, np.asarray(taken, dtype=np.float32), room + 30 * (down - 0.5))
    angle = generator.uniform(0, np.pi)
    bend = generator.uniform(0, 0.06) * np.sin(2 * np.pi * (down + right * generator.uniform(-1, 1)))
    phase = 2 * np.pi * side / generator.uniform(*ripple) * (np.cos(angle) * right + np.sin(angle) * down + bend)
    picture = picture + generator.uniform(*strength) * np.sin(phase) * (0.4 + 0.6 * np.sin(np.pi * right))
    for _ in range(int(generator.integers(1, 3))):
        x, y, wide, high = *generator.uniform(0.2, 0.8, 2), *generator.uniform(0.04, 0.18, 2)
        picture = picture + generator.uniform(*glare) * np.exp(-(((right - x) / wide) ** 2) - ((down - y) / high) ** 2)
    picture = picture * (1 - generator.uniform(0.1, 0.4) * ((right - 0.5) ** 2 + (down - 0.5) ** 2) * 2)
    return as_gray(picture + generator.normal(0, generator.uniform(1, 5), picture.shape))


def _perspective(seen: Sequence[Sequence[float]], original: Sequence[tuple[float, float]]) -> list[float]:
    """The eight coefficients of Pillow's perspective transform that fetches points `seen` from `original` places."""
    rows = []
    for (x, y), (u, v) in zip(seen, original, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(original).ravel())]


# ---------------------------------------------------------------- all


def _inverted(gray: Gray, _: np.random.Generator) -> Gray:
    return LIGHTEST - gray


def _flipped(gray: Gray, _: np.random.Generator) -> Gray:
    return np.ascontiguousarray(gray[::-1])


def _turned(quarters: int) -> Maker:
    """Turned to the left by so many quarters."""
    return lambda gray, _: np.ascontiguousarray(np.rot90(gray, quarters))


GRAY_AND_SHARPNESS: Sequence[MadeDefect] = (
    MadeDefect(
        Defect.FAINT,
        (faint((0.04, 0.16)),),
        {"contrast times 0.1": faint((0.1, 0.1)), "contrast times 0.15": faint((0.15, 0.15))},
    ),
    MadeDefect(
        Defect.BLURRED,
        (blurred((0.018, 0.06)), enlarged((14, 38))),
        {
            "blurred by 2.5 % of the film": blurred((0.025, 0.025)),
            "smeared": moved,
            "32 pixels enlarged": enlarged((32, 32)),
        },
    ),
    MadeDefect(
        Defect.BRIGHT,
        (with_gamma((0.18, 0.32)), with_gamma((0.18, 0.32)), clipped(above=True)),
        {"gamma 0.3": with_gamma((0.3, 0.3)), "gamma 0.2": with_gamma((0.2, 0.2))},
    ),
    MadeDefect(
        Defect.DARK,
        (with_gamma((3.2, 6)), with_gamma((3.2, 6)), clipped(above=False)),
        {"gamma 3.5": with_gamma((3.5, 3.5)), "gamma 5": with_gamma((5, 5))},
    ),
    MadeDefect(
        Defect.LETTERED, (lettered, stamped), {"small type": typed, "lines of text": lettered, "stamp": stamped}
    ),
    MadeDefect(Defect.PHOTOGRAPH, (photographed,), {"photograph of the film": photographed_otherwise}),
)
FRAMING: Sequence[MadeDefect] = (
    MadeDefect(
        Defect.PART,
        (
            half((0.42, 0.55), upright=True, filled=False),
            half((0.42, 0.55), upright=True, filled=True),
            half((0.35, 0.48), upright=False, filled=False),
            zoomed((0.25, 0.45)),
        ),
        {
            "left or right half": half((0.5, 0.5), upright=True, filled=False),
            "left or right half blank": half((0.5, 0.5), upright=True, filled=True),
            "upper or lower half": half((0.5, 0.5), upright=False, filled=False),
            "small part": zoomed((0.25, 0.42)),
        },
    ),
)
ORIENTATION: Sequence[MadeDefect] = (
    MadeDefect(Defect.INVERTED, (_inverted,), {"dark and bright swapped": _inverted}),
    MadeDefect(
        Defect.UPSIDE_DOWN,
        (_turned(2), _flipped),
        {"upside down": _turned(2), "upside down and mirrored": _flipped},
    ),
    MadeDefect(Defect.TURNED_RIGHT, (_turned(3),), {"turned to the right": _turned(3)}),
    MadeDefect(Defect.TURNED_LEFT, (_turned(1),), {"turned to the left": _turned(1)}),
)
# Mirrored films are not looked for: a measure of left against right stopped 1 of 32 good films at full size.
CHEST_DEFECTS = (*GRAY_AND_SHARPNESS, *FRAMING, *ORIENTATION)


def as_gray(values: NDArray[np.floating]) -> Gray:
    """Values as 8-bit grays, clipped."""
    return np.asarray(np.clip(np.rint(values), 0, LIGHTEST), dtype=np.uint8)
