"""Curves as SVG, to stand in a page: sharp in any size, without a library or a script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from leapfrog.evaluation.findings import FindingMeasures

SIDE, LEFT, BOTTOM, TOP, RIGHT = 250.0, 60.0, 40.0, 10.0, 12.0  # of the square that is drawn in, and around it
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Colour = Literal["blue", "vermillion", "gray", "ink"]  # Okabe and Ito's, told apart by colour-blind people too
Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """Points from 0 to 1 in both directions, joined; `dashed` tells two curves apart without colour."""

    points: Sequence[Point]
    colour: Colour = "blue"
    dashed: bool = False


@dataclass(frozen=True)
class Mark:
    """A point that stands out, with its interval upwards and downwards."""

    at: Point
    low: float
    high: float


def roc_chart(measures: FindingMeasures) -> Markup:
    """The receiver operating characteristic, with where the box is set."""
    if measures.curves is None:
        return Markup("")
    curves = [Curve(((0, 0), (1, 1)), "gray", dashed=True)]
    curves.append(Curve(tuple(zip(measures.curves.alarms, measures.curves.found, strict=True))))
    return _chart(
        "healthy flagged (1 - specificity)", "sick flagged (sensitivity)", curves, _set_at(measures), "ROC curve"
    )


def trade_off_chart(measures: FindingMeasures) -> Markup:
    """For each threshold the share of the sick and of the healthy that it flags; and the thresholds in use."""
    if measures.curves is None:
        return Markup("")
    drawn = measures.curves
    curves = [Curve(((one, 0), (one, 1)), "ink", dashed=True) for one in measures.thresholds]
    curves += [
        Curve(_steps(drawn.thresholds, drawn.found), "blue"),
        Curve(_steps(drawn.thresholds, drawn.alarms), "vermillion", dashed=True),
    ]
    return _chart("threshold", "share flagged", curves, (), "What each threshold flags")


def reliability_chart(measures: FindingMeasures) -> Markup:
    """For groups of similar scores the share that really has the finding."""
    if measures.curves is None:
        return Markup("")
    bins = measures.curves.reliability
    marks = [Mark((one.mean_score, one.positives.value), one.positives.low, one.positives.high) for one in bins]
    return _chart(
        "score", "share with the finding", [Curve(((0, 0), (1, 1)), "gray", dashed=True)], marks, "Reliability"
    )


def _steps(thresholds: Sequence[float], shares: Sequence[float]) -> list[Point]:
    """A share as it falls with the threshold: what is flagged from 0 to the lowest score is everything."""
    points = [(threshold, share) for threshold, share in zip(thresholds, shares, strict=True)]
    return [*points, (0.0, points[-1][1])]


def _set_at(measures: FindingMeasures) -> Sequence[Mark]:
    found, cleared = measures.detection.sensitivity, measures.detection.specificity
    if found is None or cleared is None:
        return ()
    return (Mark((1 - cleared.value, found.value), found.low, found.high),)


def _chart(x_name: str, y_name: str, curves: Sequence[Curve], marks: Sequence[Mark], title: str) -> Markup:
    width, height = LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM
    parts = [f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">']
    for tick in TICKS:
        x, y = _x(tick), _y(tick)
        parts.append(f'<line class="grid" x1="{x:g}" y1="{_y(0):g}" x2="{x:g}" y2="{_y(1):g}"/>')
        parts.append(f'<line class="grid" x1="{_x(0):g}" y1="{y:g}" x2="{_x(1):g}" y2="{y:g}"/>')
        parts.append(f'<text class="tick" x="{x:g}" y="{_y(0) + 14:g}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text class="tick" x="{_x(0) - 6:g}" y="{y + 4:g}" text-anchor="end">{tick:g}</text>')
    middle = _y(0.5)
    parts.append(f'<text class="axis" x="{_x(0.5):g}" y="{_y(0) + 32:g}" text-anchor="middle">{escape(x_name)}</text>')
    turned = f'transform="rotate(-90 12 {middle:g})"'
    parts.append(f'<text class="axis" x="12" y="{middle:g}" {turned} text-anchor="middle">{escape(y_name)}</text>')
    parts += [_curve(curve) for curve in curves]
    parts += [_mark(mark) for mark in marks]
    parts.append("</svg>")
    return Markup("".join(parts))


def _curve(curve: Curve) -> str:
    points = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in curve.points)
    return f'<polyline class="{curve.colour}{" dashed" if curve.dashed else ""}" points="{points}"/>'


def _mark(mark: Mark) -> str:
    x, y = _x(mark.at[0]), _y(mark.at[1])
    span = f'<line class="span" x1="{x:.1f}" y1="{_y(mark.low):.1f}" x2="{x:.1f}" y2="{_y(mark.high):.1f}"/>'
    return f'{span}<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'


def _x(share: float) -> float:
    return LEFT + SIDE * share


def _y(share: float) -> float:
    return TOP + SIDE * (1 - share)
