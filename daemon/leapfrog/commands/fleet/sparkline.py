"""Small charts that stand in a line of text, as SVG: no numbers on them, these stand beside."""

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 96.0, 22.0
SMALLEST_TOP = 0.1  # of a share: 1 of 100 is no peak


def bars(counts: Sequence[int], words: str) -> Markup:
    """A bar for each count, the highest as high as the chart; `words` say it to whoever does not see it."""
    if not counts:
        return Markup("")
    top, step = max(1, *counts), WIDTH / len(counts)
    drawn = Markup("").join(
        _rectangle(number * step, count / top, step * 0.72, "bar") for number, count in enumerate(counts)
    )
    return _chart(drawn, words)


def line(shares: Sequence[float | None], recent: int, words: str) -> Markup:
    """A line through shares (0 to 1), None where there is none; the ground of the `recent` last ones is shaded."""
    if len(shares) < 2:
        return Markup("")
    top = max(SMALLEST_TOP, *(1.15 * share for share in shares if share is not None))
    step = WIDTH / (len(shares) - 1)
    ground = _rectangle(max(0.0, WIDTH - (recent - 0.5) * step), 1.0, WIDTH, "recent") if recent < len(shares) else ""
    points = [
        f"{number * step:.1f},{_down(share / top):.1f}" for number, share in enumerate(shares) if share is not None
    ]
    return _chart(Markup("{}<polyline points='{}'/>").format(ground, " ".join(points)), words)


def _down(share: float) -> float:
    return 1.5 + (HEIGHT - 3) * (1 - share)


def _rectangle(left: float, share: float, width: float, kind: str) -> Markup:
    height = max(0.6, HEIGHT * share)
    return Markup("<rect class='{}' x='{}' y='{}' width='{}' height='{}'/>").format(
        kind, f"{left:.1f}", f"{HEIGHT - height:.1f}", f"{min(width, WIDTH - left):.1f}", f"{height:.1f}"
    )


def _chart(drawn: Markup, words: str) -> Markup:
    return Markup("<svg class='spark' viewBox='0 0 {} {}' role='img' aria-label='{}'>{}</svg>").format(
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", escape(words), drawn
    )
