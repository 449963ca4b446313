"""The table as Markdown, as JSON and as a picture. Runs on the training machine only."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from leapfrog_training.comparison.rows import Row
from leapfrog_training.figures import COLOURS, drawing
from leapfrog_training.runs import write_atomically

HEADER = (
    "model",
    "float MB",
    "int8 MB",
    "ratio",
    "score",
    "float",
    "int8",
    "CPU float ms",
    "CPU int8 ms",
    "Edge TPU ms",
)


def cells(row: Row) -> tuple[str, ...]:
    """A row in words."""
    edge_tpu = f"{row.edge_tpu_ms:.1f} measured"
    if not row.edge_tpu_measured:
        edge_tpu = f"{row.edge_tpu_ms:.1f} estimated ({row.edge_tpu_low_ms:.1f} to {row.edge_tpu_high_ms:.1f})"
    return (
        row.model,
        f"{row.float_bytes / 1e6:.2f}",
        f"{row.int8_bytes / 1e6:.2f}",
        f"{row.ratio:.1f}",
        row.score_name,
        "-" if row.float_score is None else f"{row.float_score:.4f}",
        "-" if row.int8_score is None else f"{row.int8_score:.4f}",
        f"{row.float_cpu_ms:.1f}",
        f"{row.int8_cpu_ms:.1f}",
        edge_tpu,
    )


def write_table(folder: Path, rows: Sequence[Row], machine: str) -> None:
    """Leave `table.md`, `table.json` and `table.png` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [HEADER, ["---"] * len(HEADER), *map(cells, rows)]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    note = f"Processor: {machine}, one thread. Edge TPU over USB 3; an estimate says within what it lies."
    write_atomically(folder / "table.md", f"{text}\n\n{note}\n".encode())
    document = {"machine": machine, "rows": [{**asdict(row), "ratio": round(row.ratio, 2)} for row in rows]}
    write_atomically(folder / "table.json", json.dumps(document, indent=2).encode())
    _draw(folder / "table.png", rows, machine)


def _draw(path: Path, rows: Sequence[Row], machine: str) -> None:
    names = [row.model for row in rows]
    with drawing(path, columns=2, width=5.4, height=1.6 + 0.7 * len(rows)) as (sizes, times):
        for axis, title, unit, series in (
            (
                sizes,
                "size",
                "MB",
                {"float32": [r.float_bytes / 1e6 for r in rows], "int8": [r.int8_bytes / 1e6 for r in rows]},
            ),
            (
                times,
                f"one picture, {machine}",
                "ms",
                {
                    "CPU float32": [r.float_cpu_ms for r in rows],
                    "CPU int8": [r.int8_cpu_ms for r in rows],
                    "Edge TPU" + ("" if all(r.edge_tpu_measured for r in rows) else " (estimate)"): [
                        r.edge_tpu_ms for r in rows
                    ],
                },
            ),
        ):
            height = 0.8 / len(series)
            for number, (label, values) in enumerate(series.items()):
                places = [place + number * height for place in range(len(rows))]
                bars = axis.barh(places, values, height=height, color=COLOURS[number], label=label)
                axis.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
            axis.set_yticks([place + 0.4 - height / 2 for place in range(len(rows))], names, fontsize=8)
            axis.invert_yaxis()
            axis.set_xscale("log")
            axis.set_xlabel(unit)
            axis.set_title(title, fontsize=9)
            axis.legend(fontsize=7)
            axis.margins(x=0.15)
