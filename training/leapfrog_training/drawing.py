"""Drawing for cards, tables and runs: one style, colours that colour-blind readers can tell apart, small files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageColor

from leapfrog_training.errors import RunError
from leapfrog_training.files import write_whole

# Okabe and Ito, Color Universal Design, 2008.
BLUE, VERMILLION, GRAY, BLACK = "#0072B2", "#D55E00", "#777777", "#222222"
DOTS_PER_INCH = 110
TINTS = 12  # steps from each colour to white in a saved picture: lines and text need no more
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRAY,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "figure.constrained_layout.use": True,
}


@contextmanager
def canvas(
    width: float, height: float, rows: int = 1, columns: int = 1, style: Mapping[Any, Any] = STYLE
) -> Iterator[tuple[Any, Any]]:
    """A figure of `width` x `height` inches and its array of axes (rows, columns). Raises RunError if matplotlib is not
    installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise RunError("evaluate draws figures with matplotlib: pip install '.[training]' in the checkout") from error
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with plt.rc_context(dict(style)):
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
        try:
            yield figure, axes
        finally:
            plt.close(figure)


def png(figure: Any) -> bytes:
    """The figure as a small PNG: our colours only, and no date, so that the same numbers give the same file."""
    content = BytesIO()
    full = Image.open(BytesIO(photograph(figure))).convert("RGB")
    full.quantize(palette=_tints(), dither=Image.Dither.NONE).save(content, format="png", optimize=True)
    return content.getvalue()


def photograph(figure: Any) -> bytes:
    """The figure as a PNG with all shades, needed if it contains a patient's picture."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return content.getvalue()


def _tints() -> Image.Image:
    palette = [
        round(255 + (part - 255) * step / TINTS)
        for colour in (BLUE, VERMILLION, GRAY, BLACK)
        for step in range(TINTS + 1)
        for part in ImageColor.getrgb(colour)
    ]
    holder = Image.new("P", (1, 1))
    holder.putpalette(palette)
    return holder


def write_pictures(folder: Path, pictures: Mapping[str, bytes]) -> None:
    """Write `pictures`, by file name, into `folder`, and remove those of an earlier evaluation."""
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.glob("*.png"):
        if earlier.name not in pictures:
            earlier.unlink()
    for name, content in pictures.items():
        write_whole(folder / name, content)


def read_pictures(folder: Path) -> dict[str, bytes]:
    """The pictures that `write_pictures` wrote, by file name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.png"))}
