"""Pictures that a model was not made for, drawn by code or made from real ones, to fit and measure the quality check.

Pictures for measuring differ in kind or in source from those for fitting: `DRAWN_FOR_FITTING` and `DRAWN_FOR_MEASURING`
have no drawing in common, and real pictures are of patients on different sides of the split. All are 8-bit gray.
"""

from collections.abc import Callable
from string import ascii_letters, digits

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Gray = NDArray[np.uint8]
Drawing = Callable[[np.random.Generator], Gray]

ROWS, COLUMNS = 240, 300  # of drawn pictures


def varied(gray: Gray, generator: np.random.Generator) -> Gray:
    """The picture as another room might have taken it: tilted, cut or with borders, brighter or darker."""
    tilted = Image.fromarray(gray).rotate(generator.uniform(-6, 6), resample=Image.Resampling.BILINEAR)
    picture = np.asarray(tilted, dtype=np.float32) / 255
    rows, columns = picture.shape
    choice = generator.random()
    if choice < 0.5:
        left, top, right, bottom = (generator.uniform(0, 0.1, 4) * [columns, rows, columns, rows]).astype(int)
        picture = picture[top : rows - bottom, left : columns - right]
    elif choice < 0.8:
        left, top, right, bottom = (generator.uniform(0, 0.14, 4) * [columns, rows, columns, rows]).astype(int)
        border = 0.0 if generator.random() < 0.7 else generator.random()
        picture = np.pad(picture, ((top, bottom), (left, right)), constant_values=border)
    picture = picture ** np.exp(generator.uniform(-0.45, 0.45))
    return _as_gray((picture * generator.uniform(0.75, 1) + generator.uniform(0, 0.08)) * 255)


def detail_of(gray: Gray, generator: np.random.Generator) -> Gray:
    """A small part of the picture, as if the machine had zoomed in: 25 to 42 % of each side."""
    share = generator.uniform(0.25, 0.42)
    top, left = (int(generator.uniform(0, 1 - share) * side) for side in gray.shape)
    return gray[top : top + int(share * gray.shape[0]), left : left + int(share * gray.shape[1])]


def without_head(gray: Gray, head: NDArray[np.bool_], generator: np.random.Generator) -> Gray:
    """The ultrasound picture with its head painted over with the surrounding gray, speckled like the rest.

    `head` has the shape of `gray` and is True in the head, including its outline.
    """
    hidden = np.asarray(Image.fromarray(head).filter(ImageFilter.MaxFilter(25)), dtype=bool)
    known = np.where(hidden, 0, gray).astype(np.float32)
    filled = known.copy()
    missing = hidden.copy()
    for radius in (6, 12, 25, 50, 100):
        weight = _blurred((~hidden).astype(np.float64), radius)
        reached = missing & (weight > 0.05)
        filled[reached] = (_blurred(known, radius) / np.maximum(weight, 1e-6))[reached]
        missing &= ~reached
    speckle = _blurred(generator.rayleigh(1.0, gray.shape), generator.uniform(0.8, 2.5))
    speckle = 1 + (speckle / speckle.mean() - 1) * generator.uniform(0.5, 2.0)
    bands = 1 + generator.uniform(0, 0.8) * (_clouds(generator, gray.shape, generator.uniform(1.2, 2.2)) - 0.5)
    return _as_gray(np.where(hidden, filled * speckle * bands, gray))


# ---------------------------------------------------------------- drawn, for fitting


def noise(generator: np.random.Generator) -> Gray:
    """Noise from white to cloudy."""
    return _as_gray(_clouds(generator, (ROWS, COLUMNS), generator.uniform(0, 2.6)) * 255)


def blank(generator: np.random.Generator) -> Gray:
    """A single gray, with a little noise."""
    deviation = generator.uniform(0, 6)
    return _as_gray(generator.uniform(0, 255) + generator.normal(0, 1, (ROWS, COLUMNS)) * deviation)


def gradient(generator: np.random.Generator) -> Gray:
    """From dark to bright, along a line or around a point."""
    down, right = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
    if generator.random() < 0.5:
        angle = generator.uniform(0, 2 * np.pi)
        ramp = np.cos(angle) * right + np.sin(angle) * down
    else:
        ramp = np.hypot(right - generator.uniform(-0.7, 0.7), down - generator.uniform(-0.7, 0.7))
        ramp *= generator.choice([-1, 1])
    return _as_gray(_stretched(ramp) ** generator.uniform(0.5, 2) * 255)


def stripes(generator: np.random.Generator) -> Gray:
    """Waves or a checkerboard, at any angle."""
    down, right = np.mgrid[:ROWS, :COLUMNS]
    angle, period = generator.uniform(0, np.pi), generator.uniform(4, 80)
    wave = np.sin((np.cos(angle) * right + np.sin(angle) * down) * 2 * np.pi / period)
    if generator.random() < 0.4:
        wave = np.sign(wave * np.sin((np.cos(angle) * down - np.sin(angle) * right) * 2 * np.pi / period))
    return _as_gray((wave + 1) * 127.5)


def lines_of_text(generator: np.random.Generator) -> Gray:
    """A screen of small text."""
    paper = int(generator.choice([0, 30, 230, 255]))
    picture = Image.new("L", (COLUMNS, ROWS), paper)
    pen = ImageDraw.Draw(picture)
    size = int(generator.integers(7, 16))
    characters = list(ascii_letters + digits + "        ")
    end = ROWS * generator.uniform(0.5, 1.1)
    top = generator.uniform(0, 20)
    while top < end:
        line = "".join(generator.choice(characters, int(generator.integers(3, COLUMNS // size * 2))))
        pen.text((generator.uniform(2, 15), top), line, fill=255 - paper, font=ImageFont.load_default(size))
        top += size * generator.uniform(1.1, 2.2)
    return np.asarray(picture)


def limb(generator: np.random.Generator) -> Gray:
    """A crude arm or leg: soft tissue with one or two long bones that end at a joint."""
    side = 300
    picture = Image.new("L", (side, side), int(generator.uniform(0, 20)))
    pen = ImageDraw.Draw(picture)
    centre, half_width = side * generator.uniform(0.35, 0.65), side * generator.uniform(0.12, 0.3)
    lean = generator.uniform(-0.15, 0.15) * side
    foot = half_width * generator.uniform(0.6, 1.2)
    outline = [
        (centre - half_width, -5),
        (centre + half_width, -5),
        (centre + foot + lean, side),
        (centre - foot + lean, side),
    ]
    pen.polygon(outline, fill=int(generator.uniform(70, 130)))
    for _ in range(int(generator.integers(1, 3))):
        middle, half = centre + generator.uniform(-0.45, 0.45) * half_width, half_width * generator.uniform(0.12, 0.35)
        joint, white = side * generator.uniform(0.2, 0.9), int(generator.uniform(170, 230))
        shaft = [(middle - half, -5), (middle + half, -5), (middle + half + lean, joint), (middle - half + lean, joint)]
        pen.polygon(shaft, fill=white)
        _disc(pen, middle + lean, joint, half * 1.6, white)
    soft = picture.filter(ImageFilter.GaussianBlur(generator.uniform(1, 4)))
    turned = soft.rotate(float(generator.choice([0, 0, 90, 180, 270]) + generator.uniform(-20, 20)))
    values = np.asarray(turned.resize((COLUMNS, ROWS)), dtype=np.float32) + generator.normal(0, 3, (ROWS, COLUMNS))
    return _as_gray(255 - values if generator.random() < 0.25 else values)


def tissue(generator: np.random.Generator) -> Gray:
    """Ultrasound without a head: layers, fasciae, vessels or chambers and bone, in speckle, in a fan or a rectangle."""
    down, right = np.mgrid[0 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
    stretch = int(generator.integers(1, 5))
    layers = np.repeat(_clouds(generator, (ROWS, -(-COLUMNS // stretch)), generator.uniform(1, 2.2)), stretch, axis=1)
    echo: NDArray[np.floating] = layers[:, :COLUMNS] ** generator.uniform(1, 4)
    for _ in range(int(generator.integers(0, 6))):
        echo = echo + generator.uniform(0.2, 1.2) * _fascia(generator, down, right)
    for _ in range(int(generator.integers(0, 5))):
        echo = echo * (1 - generator.uniform(0.6, 0.97) * _hollow(generator, down, right))
    if generator.random() < 0.3:
        echo = _with_bone(echo, generator, down, right)
    speckle = _blurred(generator.rayleigh(1.0, (ROWS, COLUMNS)), generator.uniform(0.6, 2.2))
    picture = echo * speckle / speckle.mean() * np.exp(-generator.uniform(0, 2.5) * down)
    picture[~_field_of_view(generator, down, right)] = 0
    gray = _as_gray(picture / max(float(np.quantile(picture, 0.99)), 1e-6) * generator.uniform(130, 255))
    return _on_screen(gray, generator) if generator.random() < 0.3 else gray


def _fascia(
    generator: np.random.Generator, down: NDArray[np.floating], right: NDArray[np.floating]
) -> NDArray[np.floating]:
    """A thin bright line from side to side, slanted and wavy."""
    wave = generator.uniform(0, 0.06) * np.sin(right * generator.uniform(1, 6) + generator.uniform(0, 6))
    height = generator.uniform(0.05, 0.95) + generator.uniform(-0.2, 0.2) * right + wave
    return np.asarray(np.exp(-(((down - height) / generator.uniform(0.006, 0.03)) ** 2)))


def _hollow(
    generator: np.random.Generator, down: NDArray[np.floating], right: NDArray[np.floating]
) -> NDArray[np.floating]:
    """A dark oval without a bright wall: a vessel, a bladder, a chamber of the heart."""
    x, y = generator.uniform(-0.7, 0.7), generator.uniform(0.1, 0.9)
    width, height = generator.uniform(0.05, 0.5), generator.uniform(0.03, 0.25)
    tilt = generator.uniform(-1, 1)
    along, beside = (right - x) + tilt * (down - y), (down - y) - 0.3 * tilt * (right - x)
    size = np.hypot(along / width, beside / height)
    return np.asarray(1 / (1 + np.exp(np.clip((size - 1) * generator.uniform(5, 25), -50, 50))))


def _with_bone(
    echo: NDArray[np.floating],
    generator: np.random.Generator,
    down: NDArray[np.floating],
    right: NDArray[np.floating],
) -> NDArray[np.floating]:
    """A short bright arc with the shadow that bone throws."""
    x, y, width = generator.uniform(-0.6, 0.6), generator.uniform(0.3, 0.7), generator.uniform(0.1, 0.4)
    beside = np.clip(1 - ((right - x) / width) ** 2, 0, None)
    surface = y - 0.1 * beside
    arc = np.exp(-(((down - surface) / 0.015) ** 2)) * (beside > 0)
    shadow = (down > surface) & (beside > 0)
    return np.asarray(np.where(shadow, 0.15 * echo, echo) + generator.uniform(0.8, 2) * arc)


def _field_of_view(
    generator: np.random.Generator, down: NDArray[np.floating], right: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """A fan or, for a linear probe, a rectangle."""
    opening = generator.uniform(0.25, 1.1)
    if generator.random() < 0.5:
        return np.asarray(np.abs(right) <= opening)
    apex = generator.uniform(-0.5, -0.05)
    reach = generator.uniform(0.9, 1.4)
    return np.asarray((np.abs(right) <= opening * (down - apex)) & (np.hypot(right, down - apex) <= reach))


def _on_screen(gray: Gray, generator: np.random.Generator) -> Gray:
    """The picture on a machine's screen, with small lettering around it."""
    screen = Image.new("L", (COLUMNS, ROWS), 0)
    share = generator.uniform(0.55, 0.9)
    size = (int(COLUMNS * share), int(ROWS * share))
    corner = (int(generator.uniform(0, COLUMNS - size[0])), int(generator.uniform(0, ROWS - size[1])))
    screen.paste(Image.fromarray(gray).resize(size), corner)
    pen = ImageDraw.Draw(screen)
    for line in range(int(generator.integers(3, 12))):
        text = "".join(generator.choice(list(ascii_letters + digits), int(generator.integers(2, 9))))
        left = 2 if generator.random() < 0.7 else COLUMNS - 45
        pen.text((left, 4 + 9 * line), text, fill=int(generator.uniform(90, 220)), font=ImageFont.load_default(7))
    return np.asarray(screen)


DRAWN_FOR_FITTING: tuple[Drawing, ...] = (noise, blank, gradient, stripes, lines_of_text, limb, tissue)

# ---------------------------------------------------------------- drawn, for measuring only


def scene(generator: np.random.Generator) -> Gray:
    """Things that cover each other, at all sizes: the "dead leaves" whose statistics are those of photographs
    (Lee, Mumford and Huang, IJCV 2001).
    """
    picture = Image.new("L", (COLUMNS, ROWS), int(generator.uniform(0, 255)))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(generator.integers(60, 500))):
        size = min(0.06 * ROWS * (generator.pareto(1.2) + 0.3), 0.6 * ROWS)
        x, y, shade = generator.uniform(0, COLUMNS), generator.uniform(0, ROWS), int(generator.uniform(0, 255))
        if generator.random() < 0.6:
            flat = size * generator.uniform(0.4, 1)
            pen.ellipse((x - size, y - flat, x + size, y + flat), fill=shade)
        else:
            pen.polygon([(x + generator.normal() * size, y + generator.normal() * size) for _ in range(4)], fill=shade)
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, 1.5))))


def hand(generator: np.random.Generator) -> Gray:
    """A hand: palm and fingers with their bones, at any tilt."""
    side = 400
    picture = Image.new("L", (side, side), int(generator.uniform(0, 25)))
    pen = ImageDraw.Draw(picture)
    soft, white = int(generator.uniform(70, 120)), int(generator.uniform(170, 235))
    x, y = side / 2, side * 0.68
    pen.rounded_rectangle((x - 80, y - 80, x + 80, side + 20), 40, fill=soft)
    spread, length = generator.uniform(0.9, 1.1, 2)
    tips = [(a * spread, b * length) for a, b in ((-150, -40), (-75, -190), (-25, -225), (30, -210), (80, -160))]
    for a, b in tips:
        pen.line((x + a * 0.3, y + 10, x + a, y + b), fill=soft, width=38)
        _disc(pen, x + a, y + b, 19, soft)
    for a, b in tips:
        for start, end in ((0.0, 0.42), (0.46, 0.68), (0.71, 0.85), (0.88, 0.98)):
            near, far = (x + a * (0.25 + 0.75 * part) for part in (start, end))
            pen.line((near, y + 60 + (b - 60) * start, far, y + 60 + (b - 60) * end), fill=white, width=14)
    for _ in range(8):
        _disc(pen, x + generator.uniform(-50, 50), y + generator.uniform(60, 100), 13, white)
    pen.line((x - 25, y + 105, x - 25, side), fill=white, width=34)
    pen.line((x + 30, y + 105, x + 30, side), fill=white, width=24)
    tilt = generator.uniform(-40, 40) + float(generator.choice([0, 0, 180]))
    tilted = picture.filter(ImageFilter.GaussianBlur(generator.uniform(1, 3))).rotate(tilt)
    return _as_gray(np.asarray(tilted.resize((COLUMNS, ROWS))) + generator.normal(0, 3, (ROWS, COLUMNS)))


def form(generator: np.random.Generator) -> Gray:
    """A screen with boxes and labels."""
    paper = int(generator.uniform(200, 255))
    picture = Image.new("L", (COLUMNS, ROWS), paper)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, COLUMNS, ROWS * generator.uniform(0.05, 0.2)), fill=int(generator.uniform(0, 120)))
    for _ in range(int(generator.integers(3, 9))):
        x, y = generator.uniform(0, COLUMNS * 0.8), generator.uniform(0.1, 0.9) * ROWS
        corner = (x + generator.uniform(0.1, 0.5) * COLUMNS, y + generator.uniform(0.05, 0.2) * ROWS)
        fill = int(generator.choice([paper, 180, 220]))
        pen.rectangle((x, y, *corner), outline=int(generator.uniform(0, 150)), fill=fill)
        label = "Weight 12 kg OK"[: int(generator.integers(4, 15))]
        pen.text((x + 3, y + 2), label, fill=0, font=ImageFont.load_default(int(generator.integers(9, 28))))
    return np.asarray(picture)


DRAWN_FOR_MEASURING: dict[str, Drawing] = {"photograph-like scene": scene, "drawn hand": hand, "screen form": form}

# ---------------------------------------------------------------- helpers


def _as_gray(values: NDArray[np.floating]) -> Gray:
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def _stretched(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray((values - values.min()) / (values.max() - values.min() + 1e-9))


def _clouds(generator: np.random.Generator, shape: tuple[int, int], exponent: float) -> NDArray[np.floating]:
    """Noise with an amplitude of 1/frequency**exponent, stretched to 0 to 1."""
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(generator.standard_normal(shape)) / frequency**exponent
    return _stretched(np.fft.irfft2(spectrum, s=shape))


def _blurred(values: NDArray[np.floating], radius: float) -> NDArray[np.floating]:
    """`values` blurred by a Gaussian with a standard deviation of `radius` pixels, wrapping around at the edges."""
    down = np.fft.fftfreq(values.shape[0])[:, None]
    across = np.fft.rfftfreq(values.shape[1])[None]
    transfer = np.exp(-2 * (np.pi * radius) ** 2 * (down**2 + across**2))
    return np.asarray(np.fft.irfft2(np.fft.rfft2(values) * transfer, s=values.shape))


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, shade: int) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=shade)
