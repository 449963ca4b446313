"""What came of a day, as a table and as a plot."""

import itertools
import statistics
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from clinic_day.clinic import OwedObject
from clinic_day.day import DayResult
from clinic_day.plan import RESULT_BYTES
from leapfrog.state.records import DeliveryKind

matplotlib.use("Agg")

# Of a structured report and of a paper, from the moment from which they are owed.
AIMS: dict[DeliveryKind, float] = {"structured_report": 10.0, "report_pdf": 60.0}
NAMES: dict[DeliveryKind, str] = {
    "structured_report": "structured report",
    "report_pdf": "PDF",
    "preview": "preview",
    "segmentation": "segmentation",
    "overlay": "overlay",
    "original": "original",
}
COLOURS: dict[DeliveryKind, str] = {"structured_report": "#b2182b", "report_pdf": "#ef8a62", "preview": "#67a9cf"}
SENDER_COLOURS = {"reports": "#b2182b", "results": "#ef8a62", "originals": "#bbbbbb"}
HEADINGS = ("what", "of exams", "owed", "bytes", "confirmed", "median", "worst", "aim", "as promised")


def kept_aims(result: DayResult) -> bool:
    """Whether every structured report and every paper was confirmed in time, and nothing was lost or doubled."""
    in_time = all(
        one.confirmed_at is not None and one.confirmed_at - one.owed_at <= AIMS[one.kind]
        for one in result.objects
        if one.kind in AIMS
    )
    return in_time and not (result.missing or result.doubled or result.fatal)


def rows(result: DayResult) -> list[tuple[str, ...]]:
    """A row for each kind, those of urgent exams apart."""
    found = []
    for kind in RESULT_BYTES:
        for urgent in (True, False):
            objects = [one for one in result.objects if one.kind == kind and one.urgent == urgent]
            if objects:
                found.append(_row(NAMES[kind], "urgent" if urgent else "other", objects, AIMS.get(kind)))
    for queued in (False, True):
        objects = [one for one in result.objects if one.kind == "original" and one.queued == queued]
        if objects:
            found.append(_row(NAMES["original"], "queued" if queued else "of the day", objects, None))
    return found


def _row(name: str, exams: str, objects: Sequence[OwedObject], aim: float | None) -> tuple[str, ...]:
    seconds = sorted(one.confirmed_at - one.owed_at for one in objects if one.confirmed_at is not None)
    late = aim is not None and (len(seconds) < len(objects) or seconds[-1] > aim)
    return (
        name,
        exams,
        f"{len(objects):,}",
        f"{sum(one.byte_count for one in objects):,}",
        f"{len(seconds):,}",
        f"{statistics.median(seconds):.1f} s" if seconds else "",
        f"{seconds[-1]:.1f} s" if seconds else "",
        f"{aim:g} s" if aim else "",
        "" if aim is None else "**no**" if late else "yes",
    )


def sentences(result: DayResult) -> list[str]:
    """What no row says."""
    by_sender = _by_sender(result)
    carried = sum(by_sender.values())
    share = result.link_bytes / (result.bits_per_second / 8 * result.seconds)
    return [
        f"{result.seconds / 60:.0f} minutes over {result.bits_per_second / 1000:g} kbit/s each way;"
        f" {result.plan.queued:,} films of {result.plan.queued_film_bytes / 1e6:g} MB waited at the beginning,"
        f" {len(result.plan.exams)} exams came in.",
        f"Bodies took {carried:,} bytes: {', '.join(f'{name} {count:,}' for name, count in by_sender.items())}. With"
        f" everything else, the link carried {result.link_bytes:,} bytes, {share:.0%} of what it can.",
        f"Confirmed and not at the district: {result.missing}. There twice: {result.doubled}.",
    ]


def _by_sender(result: DayResult) -> dict[str, int]:
    _, last = result.samples[-1]
    return {name.rpartition("-")[2]: count for name, count in last.items()}


def write(result: DayResult, directory: Path, name: str, machine: dict[str, str]) -> Path:
    """Write table and plot as NAME.md and NAME.png, in place of the last ones."""
    directory.mkdir(parents=True, exist_ok=True)
    _plot(result).savefig(directory / f"{name}.png", dpi=100)
    lines = [
        "# A clinic's day over a slow link",
        "",
        f"{date.today():%d %B %Y}. Seconds count from the moment at which an exam has been quiet, or was read, if it is"
        " urgent, to the district's confirmation.",
        "",
        *sentences(result),
        "",
        *(f"- {key}: {value}" for key, value in machine.items()),
        "",
        *_markdown([HEADINGS, *rows(result)]),
        "",
        f"![When each result was confirmed, and what the link carried]({name}.png)",
        "",
    ]
    path = directory / f"{name}.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _markdown(table: Iterable[Sequence[str]]) -> list[str]:
    heading, *others = (f"| {' | '.join(row)} |" for row in table)
    return [heading, "|" + " --- |" * len(HEADINGS), *others]


def _plot(result: DayResult) -> Figure:
    figure = Figure(figsize=(10, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for kind, colour in COLOURS.items():
        for urgent, marker in ((True, "^"), (False, "o")):
            found = [
                one
                for one in result.objects
                if one.kind == kind and one.urgent == urgent and one.confirmed_at is not None
            ]
            above.scatter(
                [(one.owed_at - result.begun_at) / 60 for one in found],
                [(one.confirmed_at or 0.0) - one.owed_at for one in found],
                color=colour,
                marker=marker,
                label=f"{NAMES[kind]}{' (urgent)' if urgent else ''}",
            )
    for kind, aim in AIMS.items():
        above.axhline(aim, color=COLOURS[kind], linestyle="--", linewidth=1)
        above.annotate(
            f"aim of the {NAMES[kind]}: {aim:g} s",
            (0.005, aim),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            color=COLOURS[kind],
            fontsize=9,
        )
    above.set(yscale="log", ylabel="seconds until confirmed", xlim=(0, result.seconds / 60))
    above.set_ylim(1, 600)
    above.set_yticks([1, 2, 5, 10, 20, 60, 120, 600])
    above.yaxis.set_major_formatter(ScalarFormatter())
    above.yaxis.set_minor_locator(NullLocator())
    above.legend(loc="upper right", fontsize=8, ncols=3)
    minutes, rates = _rates(result)
    below.stackplot(minutes, *rates.values(), labels=rates, colors=[SENDER_COLOURS[name] for name in rates])
    below.axhline(result.bits_per_second / 8000, color="black", linestyle="--", linewidth=1)
    below.set(xlabel="minutes", ylabel="kB/s handed to the link", ylim=(0, result.bits_per_second / 8000 * 1.3))
    below.legend(loc="upper right", fontsize=8, ncols=3)
    return figure


def _rates(result: DayResult) -> tuple[list[float], dict[str, list[float]]]:
    """The kB per second of each sender, by the minute."""
    marks, due = [result.samples[0]], 60.0 if result.seconds > 600 else 5.0
    for sample in result.samples:
        if sample[0] - marks[-1][0] >= due:
            marks.append(sample)
    names = {name: name.rpartition("-")[2] for name in marks[-1][1]}
    minutes = [at / 60 for at, _ in marks[1:]]
    rates = {
        short: [
            (later[1].get(name, 0) - earlier[1].get(name, 0)) / (later[0] - earlier[0]) / 1000
            for earlier, later in itertools.pairwise(marks)
        ]
        for name, short in names.items()
    }
    return minutes, rates
