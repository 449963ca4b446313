"""`leapfrog-train table`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from leapfrog.errors import UsageError
from leapfrog_training.comparison.rows import baseline_row, measured_latencies, run_row
from leapfrog_training.comparison.table import HEADER, cells, write_table
from leapfrog_training.run.folder import open_run
from leapfrog_training.run.provenance import machine


def table(
    out: Annotated[Path, typer.Option("--out", help="Folder for the table, as Markdown, JSON and picture.")],
    runs: Annotated[list[Path] | None, typer.Argument(help="Folders of evaluated runs.")] = None,
    baselines: Annotated[bool, typer.Option(help="Also build the paper's networks (size and speed only).")] = True,
    bench: Annotated[
        Path | None,
        typer.Option("--bench", help="JSON file of latencies measured on an Edge TPU. Without it, they are estimated."),
    ] = None,
) -> None:
    """Make the paper's table: size, score and latency of each model, in float and in int8."""
    measured = measured_latencies(bench)
    rows = [run_row(open_run(folder), measured) for folder in runs or ()]
    if baselines:
        from leapfrog_training.comparison.baselines import NETWORKS, build_baseline

        for name, published in NETWORKS.items():
            files = build_baseline(name, out / "baselines")
            rows.append(baseline_row(name, files.float32, files.int8, published.ratio))
    if not rows:
        raise UsageError("nothing to compare: name at least one run, or leave out --no-baselines")
    write_table(out, rows, machine())
    shown = Table(*HEADER)
    for row in rows:
        shown.add_row(*cells(row))
    Console(highlight=False, width=160).print(shown)
