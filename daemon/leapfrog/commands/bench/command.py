"""`leapfrog bench` from start to end: proves the devices, measures, prints the tables and writes the files."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from leapfrog.commands.bench.measure import CPU_FLOAT, CPU_INT8, Announce, Bench, measure
from leapfrog.commands.bench.picture import draw
from leapfrog.control.asking import daemon_status
from leapfrog.devices.library import take_inventory
from leapfrog.devices.proof import prove
from leapfrog.errors import StorageError, UsageError
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.settings import Settings


def run_bench(settings: Settings, out: Path | None, console: Console | None) -> dict[str, Any]:
    """Measure this box and return what `--json` prints. `bench.json` and `bench.png` go into `out`, unless it is None.

    Raises UsageError while a daemon is running: it would slow the measurement down and lose its Edge TPU. Raises
    LeapfrogError when a daemon may be running but does not answer.
    """
    if daemon_status(settings) is not None:
        raise UsageError("Stop the daemon first (`systemctl stop leapfrog`): its work would distort the measurement.")
    packages = packages_in_use(settings).packages

    def announce(sentence: str) -> None:
        if console is not None:
            console.print(sentence, style="dim", soft_wrap=True)

    bench = measure(settings, packages, _proven_devices(settings, announce), announce)
    results = as_json(bench)
    if console is not None:
        for table in tables(bench):
            console.print(table)
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            (out / "bench.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
            draw(bench, out / "bench.png")
        except OSError as problem:
            raise StorageError(f"{out} cannot be written: {problem.strerror}.") from problem
    return results


def as_json(bench: Bench) -> dict[str, Any]:
    """All numbers, with their ratios. `leapfrog-train table --bench` reads `edge_tpu_ms`."""
    edge_tpu: dict[str, float] = {}
    for timing in bench.models:
        if timing.engine.startswith("Edge TPU"):
            edge_tpu.setdefault(timing.package.split(" ")[0], timing.median_ms)
    models = [{**one.model_dump(), "per_second": round(one.per_second, 1)} for one in bench.models]
    return {**bench.model_dump(mode="json"), "models": models, "ratios": _ratios(bench), "edge_tpu_ms": edge_tpu}


def tables(bench: Bench) -> tuple[Table, ...]:
    """The results as tables for a person."""
    models = Table(
        "model",
        "engine",
        "load ms",
        "first ms",
        "median ms",
        "95 % ms",
        "per second",
        "vs CPU int8",
        title="Models",
    )
    for one in bench.models:
        cpu = bench.median(one.package, CPU_INT8)
        ratio = f"{cpu / one.median_ms:.2f}" if cpu else "-"
        numbers = (
            f"{value:.1f}" for value in (one.load_ms, one.first_ms, one.median_ms, one.percentile_95_ms, one.per_second)
        )
        models.add_row(one.package, one.engine, *numbers, ratio)
    box = Table("exam", "engine", "median ms", "95 % ms", title="Whole images, from the file to findings and picture")
    for whole in bench.box:
        box.add_row(whole.exam, whole.engine, f"{whole.median_ms:.0f}", f"{whole.percentile_95_ms:.0f}")
    switches = Table("engine", "alone ms", "in turn ms", title="Models taking turns on one engine, mean of all models")
    for switch in bench.switches:
        switches.add_row(switch.engine, f"{switch.alone_ms:.1f}", f"{switch.switched_ms:.1f}")
    box.caption = f"{bench.machine}; {bench.runtime}; load average before: {bench.load}"
    return models, switches, box


def _ratios(bench: Bench) -> dict[str, dict[str, float]]:
    """How many times as fast each model is on each engine as on the processor, in int8 and in float32."""
    ratios: dict[str, dict[str, float]] = {}
    for one in bench.models:
        for base in (CPU_INT8, CPU_FLOAT):
            reference = bench.median(one.package, base)
            if reference and one.engine != base:
                name = f"{one.engine} against {base}"
                ratios.setdefault(one.package, {})[name] = round(reference / one.median_ms, 2)
    return ratios


def _proven_devices(settings: Settings, announce: Announce) -> list[str]:
    """The Edge TPUs that pass their proof. The others are announced with their failure and left out."""
    if settings.engine.device == "cpu":
        return []
    inventory = take_inventory(settings.engine.interpreter)
    setup = reader_setup(settings.engine, settings.models, settings.state_dir)
    proven = []
    for device, name in zip(inventory.devices, inventory.names, strict=True):
        failure = prove(settings.engine.interpreter, setup, name, device.path).failure
        if failure is None:
            proven.append(name)
        else:
            announce(f"Leaving out Edge TPU {name}: {failure.detail} {failure.remedy}")
    return proven
