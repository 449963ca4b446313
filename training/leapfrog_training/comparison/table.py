"""The table as Markdown, as JSON and as a picture."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from leapfrog_training.comparison.rows import Row
from leapfrog_training.drawing import BLUE, GRAY, VERMILLION, canvas, png
from leapfrog_training.files import write_whole
from leapfrog_training.packaging.cards import table

HEADER = (
    "model",
    "float MB",
    "int8 MB",
    "ratio",
    "paper's ratio",
    "score",
    "float",
    "int8",
    "CPU float ms",
    "CPU int8 ms",
    "Edge TPU ms",
)
PAPER_NOTE = (
    "The paper's ratio is that of its own network of the same kind: DenseNet-121 for films, U-Net for ultrasound."
)


def cells(row: Row) -> tuple[str, ...]:
    """A row as text."""
    edge_tpu = f"{row.edge_tpu_ms:.1f} measured"
    if not row.edge_tpu_measured:
        edge_tpu = f"{row.edge_tpu_ms:.1f} estimated ({row.edge_tpu_low_ms:.1f} to {row.edge_tpu_high_ms:.1f})"
    return (
        row.model,
        f"{row.float_bytes / 1e6:.2f}",
        f"{row.int8_bytes / 1e6:.2f}",
        f"{row.ratio:.1f}",
        f"{row.paper_ratio:.0f}",
        row.score_name,
        "-" if row.float_score is None else f"{row.float_score:.4f}",
        "-" if row.int8_score is None else f"{row.int8_score:.4f}",
        f"{row.float_cpu_ms:.1f}",
        f"{row.int8_cpu_ms:.1f}",
        edge_tpu,
    )


def write_table(folder: Path, rows: Sequence[Row], machine: str) -> None:
    """Write `table.md`, `table.json` and `table.png` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    note = f"Processor: {machine}, one thread. Edge TPU: over USB 3; estimates are given with their range. {PAPER_NOTE}"
    write_whole(folder / "table.md", f"{table(HEADER, map(cells, rows))}\n{note}\n".encode())
    document = {"machine": machine, "rows": [{**asdict(row), "ratio": round(row.ratio, 2)} for row in rows]}
    write_whole(folder / "table.json", json.dumps(document, indent=2).encode())
    write_whole(folder / "table.png", _picture(rows, machine))


def _picture(rows: Sequence[Row], machine: str) -> bytes:
    sizes = {"float32": [row.float_bytes / 1e6 for row in rows], "int8": [row.int8_bytes / 1e6 for row in rows]}
    estimated = "" if all(row.edge_tpu_measured for row in rows) else ", estimate"
    times = {
        "CPU float32": [row.float_cpu_ms for row in rows],
        "CPU int8": [row.int8_cpu_ms for row in rows],
        f"Edge TPU{estimated}": [row.edge_tpu_ms for row in rows],
    }
    names = [row.model for row in rows]
    with canvas(11, 1.6 + 0.7 * len(rows), columns=2) as (figure, axes):
        _bars(axes[0, 0], names, "size, MB", sizes)
        _bars(axes[0, 1], names, f"one picture, ms ({machine})", times)
        return png(figure)


def _bars(axis: Any, names: Sequence[str], label: str, series: Mapping[str, Sequence[float]]) -> None:
    height = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = [place + number * height for place in range(len(names))]
        bars = axis.barh(places, values, height=height, color=(GRAY, BLUE, VERMILLION)[number], label=name)
        axis.bar_label(bars, fmt="%.1f", fontsize=8, padding=2)
    axis.set_yticks([place + 0.4 - height / 2 for place in range(len(names))], names)
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.set_xlabel(label)
    axis.legend(fontsize=8)
    axis.margins(x=0.15)
