"""`leapfrog-train check` and `leapfrog-train published`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from leapfrog.cli.options import JsonOption
from leapfrog.errors import UsageError
from leapfrog_training.edge_tpu_fit.fit import Fit, fit_of
from leapfrog_training.edge_tpu_fit.latency import BUSES, Bus, error_factor, left_out
from leapfrog_training.edge_tpu_fit.published import PUBLISHED

MEBIBYTE = 2**20
BUS_NAMES: dict[Bus, str] = {"usb3": "USB 3", "usb2": "USB 2", "pcie": "PCIe"}

_console = Console(highlight=False)


def check(
    model: Annotated[Path, typer.Argument(help="An int8 or uint8 TFLite file, not yet compiled.")],
    as_json: JsonOption = False,
) -> None:
    """Predict from the file alone what would run on the Edge TPU, and how fast. Exits with 1 unless all of it would."""
    if not model.is_file():
        raise UsageError(f"{model}: no such file")
    fit = fit_of(model.read_bytes())
    if as_json:
        print(json.dumps(fit.as_json(), indent=2))  # noqa: T201
    else:
        _show(model, fit)
    if not fit.maps_whole:
        raise typer.Exit(1)


def published(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Rebuild the networks with TensorFlow and compare their workload.")
    ] = False,
) -> None:
    """Compare Coral's published latencies with the estimates for each network, fitted without that network."""
    for bus in BUSES:
        if bus != "usb2":
            _console.print(_published_table(bus))
    if rebuild:
        _compare_rebuilt()


def _show(model: Path, fit: Fit) -> None:
    table = Table("operation", "version", "count", "on", Column("why", overflow="fold"), title=model.name)
    for row in fit.as_json()["ops"]:
        table.add_row(row["op"], str(row["version"]), str(row["count"]), row["on"], row["reason"])
    _console.print(table)
    first = fit.first_on_cpu
    if first is None:
        _console.print("The whole model would run on the Edge TPU.")
    else:
        shape = " x ".join(map(str, first.shape))
        _console.print(
            f"Part of the model would run on the CPU. The first such operation is operation {first.position}, "
            f"{first.name} ({first.kind}, {shape}): {first.reason}."
        )
    least, most = fit.streamed_bytes
    _console.print(
        f"Parameters {fit.work.parameter_bytes / MEBIBYTE:.2f} MiB, of which {least / MEBIBYTE:.2f} to "
        f"{most / MEBIBYTE:.2f} MiB do not fit on the chip. {fit.work.macs / 1e6:,.0f} million MACs."
    )
    estimates = "; ".join(
        f"{BUS_NAMES[bus]} {one.milliseconds:.1f} ms ({one.low:.1f} to {one.high:.1f})"
        for bus, one in fit.latency_ms.items()
    )
    part = "" if first is None else " of the part on the Edge TPU"
    _console.print(f"Estimated latency{part}: {estimates}.")


def _published_table(bus: Bus) -> Table:
    table = Table("network", "published ms", "predicted ms", "ratio", title=f"{BUS_NAMES[bus]}, each network left out")
    for one in left_out(bus):
        table.add_row(one.network.name, f"{one.published_ms:.1f}", f"{one.predicted_ms:.1f}", f"{one.factor:.2f}")
    table.caption = f"Four out of five estimates are within a factor of {error_factor(bus):.2f}."
    return table


def _compare_rebuilt() -> None:
    from leapfrog_training.edge_tpu_fit.rebuilt import rebuilt_workload

    table = Table("network", "million MACs", "parameters MiB", "written MiB", "as recorded")
    for network in PUBLISHED:
        work = rebuilt_workload(network.name)
        table.add_row(
            network.name,
            f"{work.macs / 1e6:,.0f}",
            f"{work.parameter_bytes / MEBIBYTE:.2f}",
            f"{work.activation_bytes / MEBIBYTE:.2f}",
            "yes" if work == network.work else "NO",
        )
    _console.print(table)
