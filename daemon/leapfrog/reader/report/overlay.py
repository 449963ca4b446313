"""The pictures of a report: the plain one, and the same with heat maps or outlines drawn on it.

Every mark is a line as well as a colour, so that it shows on a black-and-white print. There is only one hue, since a
rainbow loses its order in grey (PMC6181270). A heat map's colour is scaled to its own peak and cannot be compared
between pictures (PMC6358056); a note beside each picture says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from leapfrog.language.sentence import sentence
from leapfrog.reader.image.pixels import PixelRegion

LONGEST_SIDE = 1600  # pixels of the plain picture, which people enlarge
LONGEST_DRAWN_SIDE = 1024  # pixels of one that is drawn on: marks are coarse, and drawing takes time for each pixel
SHORTEST_DRAWN_SIDE = 640  # pixels; smaller pictures are enlarged before lines and text are drawn on them
JPEG_QUALITY = 88
HEAT_COLOUR = (255, 176, 0)
HATCH_COLOUR = (215, 215, 215)  # less than what is outlined, which is what the picture is for
HATCH_APART = 9  # widths of a line of the hatching, from one to the next
HEAT_OPACITY = 0.5  # at the peak
HEAT_FLOOR = 0.45  # of the peak; below it the picture is not coloured
CONTOUR_LEVEL = 0.7  # of the peak; where the line around a warm area runs
SMALLEST_FONT = 9  # pixels; anything smaller cannot be read
COARSE_SIDE = 112  # cells of the smooth grid that a heat map is drawn from
COARSE_BLUR = 8.0  # of those cells
FONT = Path(__file__).with_name("fonts") / "DejaVuSans.ttf"  # Pillow's own font has no ²
# Translators: written across a picture, in capitals where they exist
PHANTOM_TEXT = sentence("PHANTOM: TEST IMAGE, NOT A PATIENT")

Pixels = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont
Points = Sequence[tuple[float, float]]


def displayed(picture: Pixels, longest_side: int = LONGEST_SIDE) -> Pixels:
    """Shrink `picture` (H, W) or (H, W, 3) so that its longer side has at most `longest_side` pixels."""
    longest = max(picture.shape[:2])
    if longest <= longest_side:
        return picture
    height, width = (max(1, round(side * longest_side / longest)) for side in picture.shape[:2])
    shrunk = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(shrunk)


def save_plain(picture: Pixels, path: Path, *, phantom: bool = False) -> None:
    """Write `picture` (H, W) or (H, W, 3) as a JPEG whose longer side has at most `LONGEST_SIDE` pixels.

    Like all files written here, it is not durable yet.
    """
    image = Image.fromarray(displayed(picture))
    _save(_enlarged_for_text(image) if phantom else image, path, phantom=phantom)


def save_heatmap(
    picture: Pixels,
    maps: Sequence[tuple[str, NDArray[np.float32]]],
    path: Path,
    *,
    owner: str = "",
    phantom: bool = False,
) -> None:
    """Write `picture` with the heat of `maps` over it, and for each map a line around its warm part with the finding's
    name. The `owner`, the model that looked, is named in a corner.

    Each map is (h, w) of any range, larger is warmer, and covers the whole picture. A flat map draws nothing.
    """
    image = _for_drawing(picture)
    coarse = [(name, grid) for name, values in maps if (grid := _coarse(values)) is not None]
    if coarse:
        _tint(image, np.maximum.reduce([grid for _, grid in coarse]))
    for _, grid in coarse:
        _outline(image, grid)
    labels = _Labels(image, [*(name for name, _ in coarse), owner])
    if coarse and owner:
        labels.put_in_corner(owner)
    for name, grid in coarse:
        labels.put_beside(name, _area_above(grid, CONTOUR_LEVEL, image.size))
    _save(image, path, phantom=phantom)


@dataclass(frozen=True)
class Marking:
    """What is drawn of one finding: a closed line around each of `polygons`, of (x, y) as fractions of the picture's
    width and height. `hatched`: a thin line, and the inside is hatched. The legend shows the `label`.
    """

    polygons: Sequence[Points]
    label: str
    hatched: bool = False


def save_outlines(
    picture: Pixels, markings: Sequence[Marking], path: Path, *, owner: str = "", phantom: bool = False
) -> None:
    """Write `picture` with `markings` drawn on it, what is hatched below the lines, and a legend in the corner where it
    covers the least of them. The legend names the `owner`, the model that drew them.
    """
    image = _for_drawing(picture)
    for marking in sorted(markings, key=lambda marking: not marking.hatched):
        for polygon in marking.polygons:
            _mark(image, _in_pixels(polygon, image), hatched=marking.hatched)
    _draw_legend(image, markings, owner, lower_only=phantom)  # whose band is at the top
    _save(image, path, phantom=phantom)


def _wrapped(line: str, font: Font, width: int) -> list[str]:
    lines = [""]
    for word in line.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _for_drawing(picture: Pixels) -> Image.Image:
    return _enlarged_for_text(Image.fromarray(displayed(picture, LONGEST_DRAWN_SIDE)).convert("RGB"))


def _enlarged_for_text(image: Image.Image) -> Image.Image:
    """The picture, large enough for lines and text."""
    longest = max(image.size)
    if longest >= SHORTEST_DRAWN_SIDE:
        return image
    scale = SHORTEST_DRAWN_SIDE / longest
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)


def _save(image: Image.Image, path: Path, *, phantom: bool) -> None:
    if phantom:
        _draw_phantom_band(image)
    content = BytesIO()  # on a full disk, Pillow raises an OSError that does not say so
    image.save(content, "JPEG", quality=JPEG_QUALITY)
    path.write_bytes(content.getvalue())


def _coarse(values: NDArray[np.float32]) -> Pixels | None:
    """The map on a smooth grid, its lowest value 0 and its peak 255; None for a flat or unusable map.

    It is blurred by half a cell of a 7 x 7 map, so that the drawing has no islands or holes smaller than the model's
    own cells.
    """
    stretched = _stretched(values)
    if stretched is None:
        return None
    smooth = Image.fromarray(stretched).resize((COARSE_SIDE, COARSE_SIDE), Image.Resampling.BICUBIC)
    return _stretched(np.asarray(smooth.filter(ImageFilter.GaussianBlur(COARSE_BLUR)), dtype=np.float32))


def _stretched(values: NDArray[np.float32]) -> Pixels | None:
    lowest, highest = float(np.min(values)), float(np.max(values))
    if not np.isfinite([lowest, highest]).all() or highest - lowest < 1e-6:
        return None
    return ((values - lowest) * (255.0 / (highest - lowest))).astype(np.uint8)


def _area_above(grid: Pixels, level: float, size: tuple[int, int]) -> PixelRegion:
    """The pixels of a picture of `size` in which `grid` exceeds `level` of its peak, with one grid cell around them."""
    above = grid >= level * 255
    rows, columns = np.flatnonzero(above.any(axis=1)), np.flatnonzero(above.any(axis=0))
    across, down = size[0] / COARSE_SIDE, size[1] / COARSE_SIDE
    return (
        max(0, int((columns[0] - 1) * across)),
        max(0, int((rows[0] - 1) * down)),
        min(size[0], round((columns[-1] + 2) * across)),
        min(size[1], round((rows[-1] + 2) * down)),
    )


def _enlarged(grid: Pixels, area: PixelRegion, size: tuple[int, int]) -> Image.Image:
    """The part of `grid` that covers `area` of a picture of `size`; computing the rest would waste time."""
    across, down = COARSE_SIDE / size[0], COARSE_SIDE / size[1]
    part = (area[0] * across, area[1] * down, area[2] * across, area[3] * down)
    extent = (area[2] - area[0], area[3] - area[1])
    return Image.fromarray(grid).resize(extent, Image.Resampling.BICUBIC, box=part)


def _tint(image: Image.Image, grid: Pixels) -> None:
    area = _area_above(grid, HEAT_FLOOR, image.size)
    floor = HEAT_FLOOR * 255
    opacity = [round(max(0.0, (level - floor) / (255 - floor)) * HEAT_OPACITY * 255) for level in range(256)]
    image.paste(HEAT_COLOUR, area, _enlarged(grid, area, image.size).point(opacity))


def _outline(image: Image.Image, grid: Pixels) -> None:
    """Draw a smooth line, white within black, where `grid` crosses `CONTOUR_LEVEL`.

    A blurred mask rises evenly across its border, so a look-up table that picks the middle of the rise is a line.
    """
    area = _area_above(grid, CONTOUR_LEVEL, image.size)
    radius = max(2, round(max(image.size) / 260))
    warmth = _enlarged(grid, area, image.size)
    mask = warmth.point([255 if value >= CONTOUR_LEVEL * 255 else 0 for value in range(256)])
    rise = mask.filter(ImageFilter.BoxBlur(radius))
    for colour, half_width in (((0, 0, 0), 105), ((255, 255, 255), 50)):
        line = [min(255, max(0, (half_width - abs(value - 128)) * 8)) for value in range(256)]
        image.paste(colour, area, rise.point(line))


def _in_pixels(polygon: Points, image: Image.Image) -> list[tuple[float, float]]:
    return [(x * image.width, y * image.height) for x, y in polygon]


def _mark(image: Image.Image, corners: Sequence[tuple[float, float]], *, hatched: bool) -> None:
    """Draw a closed line, amber within black; or hatch the inside, within a thin line, gray within black."""
    if len(corners) < 3:
        return
    width = max(3, round(max(image.size) / 250))
    if hatched:
        width = max(2, width // 2)
        _hatch(image, corners, width)
    draw = ImageDraw.Draw(image)
    points = [
        *corners,
        *corners[:2],
    ]  # the second point again, so that the joint at the start is rounded like the others
    for colour, wider in (((0, 0, 0), 4), (HATCH_COLOUR if hatched else HEAT_COLOUR, 0)):
        draw.line(points, fill=colour, width=width + wider, joint="curve")


def _hatch(image: Image.Image, corners: Sequence[tuple[float, float]], width: int) -> None:
    """Slanted lines across the inside, which shows between them. Those of all areas of a picture are in line."""
    inside = Image.new("1", image.size)
    ImageDraw.Draw(inside).polygon(corners, fill=1)
    hatching = image.copy()
    draw = ImageDraw.Draw(hatching)
    apart = HATCH_APART * width
    for colour, wider in (((0, 0, 0), 2), (HATCH_COLOUR, 0)):
        for x in range(-image.height, image.width, apart):
            draw.line((x, image.height, x + image.height, 0), fill=colour, width=width + wider)
    image.paste(hatching, (0, 0), inside)


def _draw_legend(image: Image.Image, markings: Sequence[Marking], owner: str, *, lower_only: bool) -> None:
    """A line for each of `markings`: a sample of how it is drawn, and its label; and one for their `owner`."""
    named = [marking for marking in markings if marking.label and marking.polygons]
    if not named:
        return
    margin = max(4, max(image.size) // 160)
    words = [word for marking in named for word in (*marking.label.split(), *owner.split())]

    def space(font: Font) -> int:  # for a line of text
        return image.width - 6 * margin - _sample_size(font)[0]

    font = _largest_font(_label_size(image), lambda font: _longest(words, font) <= space(font))
    labels = [_wrapped(marking.label, font, space(font)) for marking in named]
    owned = _wrapped(owner, font, space(font)) if owner else []
    sample, line = _sample_size(font), _sample_size(font)[1] + margin
    width = max(_longest(lines, font) for lines in (*labels, owned)) + sample[0] + 4 * margin
    size = (round(width), line * sum(map(len, (*labels, owned))) + margin)
    left, top = _free_corner(image.size, size, margin, markings, lower_only=lower_only)
    draw = ImageDraw.Draw(image)
    draw.rectangle((left, top, left + size[0], top + size[1]), fill=(0, 0, 0), outline=(255, 255, 255))
    x, y = left + margin, top + margin
    samples: list[Marking | None] = [*named, None]
    for marking, lines in zip(samples, [*labels, owned], strict=True):
        if marking is not None:
            image.paste(_sample(marking, sample), (x, y))
        for text in lines:
            baseline = y + font.getmetrics()[0]
            draw.text((x + sample[0] + margin, baseline), text, font=font, fill=(255, 255, 255), anchor="ls")
            y += line


def _sample_size(font: Font) -> tuple[int, int]:
    """Of a sample beside a line of text, in pixels."""
    height = sum(font.getmetrics())
    return 2 * height, height


def _sample(marking: Marking, size: tuple[int, int]) -> Image.Image:
    """How what is marked is drawn."""
    shown = Image.new("RGB", size, (60, 60, 60))
    inset = max(4, size[1] // 8)
    _mark(shown, _box(inset, inset, size[0] - inset, size[1] - inset), hatched=marking.hatched)
    return shown


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _free_corner(
    image: tuple[int, int], size: tuple[int, int], margin: int, markings: Sequence[Marking], *, lower_only: bool
) -> tuple[int, int]:
    """In which corner (left, top) a box of `size` covers the least of what is marked on a picture of size `image`: at
    the lower left, if that is no worse than the others.
    """
    marked = Image.new("1", image)
    draw = ImageDraw.Draw(marked)
    for marking in markings:
        for polygon in marking.polygons:
            draw.polygon([(x * image[0], y * image[1]) for x, y in polygon], fill=1)
    right, bottom = image[0] - margin - size[0], image[1] - margin - size[1]
    corners = [(margin, bottom), (right, bottom), (margin, margin), (right, margin)][: 2 if lower_only else 4]
    covered = [np.asarray(marked.crop((left, top, left + size[0], top + size[1]))).sum() for left, top in corners]
    return corners[int(np.argmin(covered))]


def _draw_phantom_band(image: Image.Image) -> None:
    draw = ImageDraw.Draw(image)
    font = _font(max(14, image.width // 34))
    _, top, _, bottom = draw.textbbox((0, 0), PHANTOM_TEXT, font=font)
    height = round((bottom - top) * 2)
    draw.rectangle((0, 0, image.width, height), fill="white")
    draw.line((0, height, image.width, height), fill="black", width=3)
    draw.text((image.width / 2, height / 2), PHANTOM_TEXT, font=font, fill="black", anchor="mm")


class _Labels:
    """Texts on a picture, in boxes that do not cover one another."""

    def __init__(self, image: Image.Image, texts: Sequence[str]) -> None:
        self._draw = ImageDraw.Draw(image)
        self._width, self._height = image.size
        self._margin = max(4, max(image.size) // 160)
        space = image.width - 4 * self._margin
        self._font = _largest_font(_label_size(image), lambda font: _longest(texts, font) <= space)
        self._taken: list[tuple[float, float, float, float]] = []

    def put_beside(self, text: str, box: PixelRegion) -> None:
        """Put `text` under `box`, or above it near the lower edge; further down or up if another label is there."""
        width, height = self._size_of(text)
        left = min(max((box[0] + box[2] - width) / 2, 0), max(0, self._width - width))
        below, above = float(box[3] + self._margin), float(box[1] - height - self._margin)
        steps = range(int(self._height / height) + 1)
        choices = [below + step * height for step in steps] + [above - step * height for step in steps]
        for top in choices:
            place = (left, top, left + width, top + height)
            if top >= 0 and place[3] <= self._height and not any(_overlap(place, taken) for taken in self._taken):
                self._put(text, place)
                return
        self._put(text, (left, 0, left + width, height))

    def put_in_corner(self, text: str) -> None:
        """Put `text` at the lower right; what is put beside a box later keeps clear of it."""
        width, height = self._size_of(text)
        self._put(text, (max(0, self._width - width), self._height - height, self._width, self._height))

    def _size_of(self, text: str) -> tuple[float, float]:
        left, top, right, bottom = self._draw.textbbox((0, 0), text, font=self._font, anchor="ls")
        ascent = self._draw.textbbox((0, 0), "Ágj", font=self._font, anchor="ls")
        return right - left + 3 * self._margin, max(bottom, ascent[3]) - min(top, ascent[1]) + 2 * self._margin

    def _put(self, text: str, place: tuple[float, float, float, float]) -> None:
        self._draw.rectangle(place, fill=(0, 0, 0), outline=(255, 255, 255))
        middle = ((place[0] + place[2]) / 2, (place[1] + place[3]) / 2)
        self._draw.text(middle, text, font=self._font, fill=(255, 255, 255), anchor="mm")
        self._taken.append(place)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _label_size(image: Image.Image) -> int:
    """Of the letters of a label, in pixels."""
    return max(15, max(image.size) // 30)


def _longest(texts: Sequence[str], font: Font) -> float:
    return max((font.getlength(text) for text in texts), default=0.0)


def _largest_font(size: int, fits: Callable[[Font], bool]) -> Font:
    """The font of `size`, or the largest below it that fits: a narrow picture has no space for long words."""
    fitting = (font for smaller in range(size, SMALLEST_FONT, -1) if fits(font := _font(smaller)))
    return next(fitting, _font(SMALLEST_FONT))


@cache
def _font(size: int) -> Font:
    return ImageFont.truetype(FONT, size)
