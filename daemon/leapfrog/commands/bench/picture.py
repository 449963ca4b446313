"""The results of `leapfrog bench` as a picture."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from leapfrog.commands.bench.measure import CPU_FLOAT, CPU_INT8, Bench
from leapfrog.reader.report.characters import FONTS

WIDTH, MARGIN, LABELS = 1200, 40, 330  # pixels
BAR, GAP = 26, 10
WHITE, INK, FAINT = (255, 255, 255), (34, 34, 34), (110, 110, 110)
COLOURS = {CPU_FLOAT: (153, 153, 153), CPU_INT8: (0, 114, 178)}
EDGE_TPU_COLOUR = (213, 94, 0)


def draw(bench: Bench, path: Path) -> None:
    """Write a PNG with bars for the median time of each model on each engine, and of whole images."""
    groups = _groups(bench)
    rows = sum(len(bars) for bars in groups.values())
    height = 2 * MARGIN + 70 + rows * (BAR + GAP) + len(groups) * 46
    image = Image.new("RGB", (WIDTH, height), WHITE)
    drawing = ImageDraw.Draw(image)
    drawing.text((MARGIN, MARGIN), "Milliseconds for one picture (median)", INK, _font(26))
    drawing.text((MARGIN, MARGIN + 36), f"{bench.machine}; {bench.runtime}", FAINT, _font(18))
    top = MARGIN + 84
    for title, bars in groups.items():
        drawing.text((MARGIN, top), title, INK, _font(20))
        top += 34
        longest = max(milliseconds for _, milliseconds in bars)
        for engine, milliseconds in bars:
            drawing.text((MARGIN + 14, top + 2), engine, FAINT, _font(18))
            length = max(2, round((WIDTH - LABELS - 2 * MARGIN - 150) * milliseconds / longest))
            drawing.rectangle((LABELS, top, LABELS + length, top + BAR), COLOURS.get(engine, EDGE_TPU_COLOUR))
            drawing.text((LABELS + length + 10, top + 2), f"{milliseconds:.1f} ms", INK, _font(18))
            top += BAR + GAP
        top += 12
    image.save(path)


def _groups(bench: Bench) -> dict[str, list[tuple[str, float]]]:
    groups: dict[str, list[tuple[str, float]]] = {}
    for timing in bench.models:
        groups.setdefault(timing.package, []).append((timing.engine, timing.median_ms))
    for whole in bench.box:
        groups.setdefault(f"whole image, {whole.exam}", []).append((whole.engine, whole.median_ms))
    return groups


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / "DejaVuSans.ttf"), size)
