"""Good pictures as another room, machine or program might have made them: none of these may be refused."""

from io import BytesIO
from string import ascii_uppercase, digits

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Gray = NDArray[np.uint8]


def elsewhere(gray: Gray, generator: np.random.Generator) -> Gray:
    """The picture tilted, cut or with borders, brighter or darker, with a side marker, sharper or softer, saved small
    or large: as many of these at once as occur together.
    """
    picture = gray
    if generator.random() < 0.5:
        tilted = Image.fromarray(picture).rotate(generator.uniform(-5, 5), Image.Resampling.BILINEAR)
        picture = np.asarray(tilted)
    picture = _framed(picture, generator)
    picture = _other_grays(picture, generator)
    if generator.random() < 0.35:
        picture = _marked(picture, generator)
    if generator.random() < 0.6:
        factor = np.exp(generator.uniform(-0.75, 0.75))
        sides = tuple(max(round(side * factor), 100) for side in picture.shape[::-1])
        resampling = Image.Resampling.BILINEAR if generator.random() < 0.5 else Image.Resampling.BICUBIC
        picture = np.asarray(Image.fromarray(picture).resize(sides, resampling))
    if generator.random() < 0.3:
        picture = _softer_or_sharper(picture, generator)
    if generator.random() < 0.4:
        stream = BytesIO()
        Image.fromarray(picture).save(stream, "JPEG", quality=int(generator.integers(45, 95)))
        picture = np.asarray(Image.open(stream))
    return np.ascontiguousarray(picture)


def _framed(picture: Gray, generator: np.random.Generator) -> Gray:
    """With borders of up to 11 % of each side, or cut by up to 11 %, or as it is."""
    rows, columns = picture.shape
    left, top, right, bottom = (generator.uniform(0, 0.11, 4) * [columns, rows, columns, rows]).astype(int)
    choice = generator.random()
    if choice < 0.2:  # collimated to the lungs, above and below most, as children's films often are
        left, right = (generator.uniform(0, 0.14, 2) * columns).astype(int)
        top, bottom = (generator.uniform(0.06, 0.19, 2) * rows).astype(int)
    if choice < 0.5:
        return picture[top : rows - bottom, left : columns - right]
    if choice < 0.8:
        if generator.random() < 0.5:  # the same border all around
            left = right = int(generator.uniform(0.03, 0.11) * columns)
            top = bottom = int(left * rows / columns)
        border = generator.choice([0, 0, 255, int(generator.integers(256))])
        return np.pad(picture, ((top, bottom), (left, right)), constant_values=border)
    return picture


def _other_grays(picture: Gray, generator: np.random.Generator) -> Gray:
    values = picture.astype(np.float32) / 255
    choice = generator.random()
    if choice < 0.5:
        values = values ** np.exp(generator.uniform(-0.42, 0.42))
    elif choice < 0.85:
        values = values * generator.uniform(0.72, 1.2) + generator.uniform(-0.1, 0.08)
    if generator.random() < 0.2:
        values = values + generator.normal(0, generator.uniform(0, 0.02), values.shape)
    return np.asarray(np.clip(np.rint(values * 255), 0, 255), dtype=np.uint8)


def _marked(picture: Gray, generator: np.random.Generator) -> Gray:
    """With a side marker and perhaps a line or two of small text near an edge, as machines print them."""
    marked = Image.fromarray(picture)
    pen = ImageDraw.Draw(marked)
    rows, columns = picture.shape
    font = ImageFont.load_default(max(generator.uniform(0.04, 0.09) * rows, 8))
    place = (generator.choice([0.03, 0.86]) * columns, generator.uniform(0.02, 0.3) * rows)
    pen.text(place, str(generator.choice(["L", "R"])), fill=int(generator.uniform(180, 255)), font=font)
    for line in range(int(generator.integers(0, 3))):
        text = "".join(generator.choice(list(ascii_uppercase + digits), int(generator.integers(4, 12))))
        size = max(generator.uniform(0.025, 0.04) * rows, 7)
        top = 2 + line * size if generator.random() < 0.5 else rows - 3 - (line + 1.3) * size
        left = generator.choice([0.02, 0.65]) * columns
        pen.text((left, top), text, fill=int(generator.uniform(180, 255)), font=ImageFont.load_default(size))
    return np.asarray(marked)


def _softer_or_sharper(picture: Gray, generator: np.random.Generator) -> Gray:
    radius = generator.uniform(0, 0.004) * min(picture.shape)
    change = (
        ImageFilter.GaussianBlur(radius)
        if generator.random() < 0.5
        else ImageFilter.UnsharpMask(max(radius * 2, 1), int(generator.uniform(30, 120)), 0)
    )
    return np.asarray(Image.fromarray(picture).filter(change))
