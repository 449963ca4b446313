"""The result: where each operation of a model would run, and which is the first on the CPU."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leapfrog_training.edge_tpu_fit.graph import DAMAGE, Graph, Operation, read_graph
from leapfrog_training.edge_tpu_fit.latency import BUSES, LEAST_CACHE_BYTES, Bus, Estimate, estimate
from leapfrog_training.edge_tpu_fit.rules import refusal
from leapfrog_training.edge_tpu_fit.workload import Workload, workload
from leapfrog_training.errors import ModelFileError, NotForEdgeTpu

# Parameters that fit on the chip: the least and the most that was seen in compiled models.
CACHE_BYTES = (int(LEAST_CACHE_BYTES), int(7.9 * 2**20))

Place = Literal["edgetpu", "cpu"]


@dataclass(frozen=True)
class PlacedOperation:
    """One operation with its place. `reason` is empty on the Edge TPU. `shape` is that of the first output."""

    position: int
    name: str
    version: int
    kind: str
    shape: tuple[int, ...]
    place: Place
    reason: str


@dataclass(frozen=True)
class Fit:
    """How a model fits the Edge TPU. `latency_ms`, by bus, is that of the part on the Edge TPU."""

    operations: tuple[PlacedOperation, ...]
    work: Workload
    latency_ms: dict[Bus, Estimate]

    @property
    def maps_whole(self) -> bool:
        """Whether no operation would run on the CPU."""
        return all(operation.place == "edgetpu" for operation in self.operations)

    @property
    def first_on_cpu(self) -> PlacedOperation | None:
        """The first operation on the CPU, or None if all would run on the Edge TPU."""
        return next((operation for operation in self.operations if operation.place == "cpu"), None)

    @property
    def streamed_bytes(self) -> tuple[int, int]:
        """Parameters that do not fit on the chip and are transferred for each inference: at best and at worst."""
        least, most = CACHE_BYTES
        needed = self.work.parameter_bytes
        return max(0, needed - most), max(0, needed - least)

    def as_json(self) -> dict[str, Any]:
        """What `leapfrog-train check --json` prints."""
        counts: dict[tuple[str, int, Place, str], int] = {}
        for one in self.operations:
            key = (one.name, one.version, one.place, one.reason)
            counts[key] = counts.get(key, 0) + 1
        first = self.first_on_cpu
        return {
            "maps_whole": self.maps_whole,
            "ops": [
                {"op": name, "version": version, "count": count, "on": place, "reason": reason}
                for (name, version, place, reason), count in counts.items()
            ],
            "first_on_cpu": None if first is None else {"position": first.position, "op": first.name},
            "parameter_bytes": self.work.parameter_bytes,
            "on_chip_bytes": list(CACHE_BYTES),
            "streamed_bytes": list(self.streamed_bytes),
            "macs": self.work.macs,
            "latency_ms": {
                bus: {"estimate": round(one.milliseconds, 2), "low": round(one.low, 2), "high": round(one.high, 2)}
                for bus, one in self.latency_ms.items()
            },
        }


def fit_of(model: bytes) -> Fit:
    """Check an int8 or uint8 TFLite file. Raises ModelFileError if it is not one, or is already compiled."""
    graph = read_graph(model)
    if graph.is_compiled:
        raise ModelFileError("this model is already compiled for the Edge TPU: give the file that it was compiled from")
    try:
        placed = _placed(graph)
        taken = [graph.operations[one.position] for one in placed if one.place == "edgetpu"]
        work = workload(graph, taken)
    except DAMAGE as problem:  # an operation lacks a required tensor
        raise ModelFileError(
            f"the TFLite model is damaged ({type(problem).__name__}): convert or copy it again"
        ) from problem
    return Fit(placed, work, {bus: estimate(work, bus) for bus in BUSES})


def require_whole_mapping(path: Path) -> None:
    """Raise NotForEdgeTpu, naming the first operation on the CPU and why, unless all would run on the Edge TPU."""
    fit = fit_of(path.read_bytes())
    first = fit.first_on_cpu
    if first is None:
        return
    on_cpu = sum(one.place == "cpu" for one in fit.operations)
    raise NotForEdgeTpu(
        f"{path.name} would not run entirely on an Edge TPU: operation {first.position}, {first.name}, "
        f"{first.reason}; {on_cpu} of {len(fit.operations)} operations would run on the CPU. `leapfrog-train check` "
        "lists them. Change the network, or use --allow-cpu-ops"
    )


def _placed(graph: Graph) -> tuple[PlacedOperation, ...]:
    """Where each operation would run. One runs on the CPU if the Edge TPU cannot run it, or if it needs a result from
    there, since only one subgraph runs on the Edge TPU. Operations before that subgraph (a CAST of the input) run on
    the CPU without affecting the rest.
    """
    reasons = [refusal(graph, operation) for operation in graph.operations]
    first_taken = next((index for index, reason in enumerate(reasons) if reason is None), len(reasons))
    made_on_cpu: set[int] = set()
    placed = []
    for position, (operation, own_reason) in enumerate(zip(graph.operations, reasons, strict=True)):
        reason = own_reason
        if reason is None and made_on_cpu.intersection(index for index in operation.inputs if index is not None):
            reason = "needs a result from the CPU; only one part of a model runs on the Edge TPU"
        if reason is not None and position > first_taken:
            made_on_cpu.update(operation.outputs)
        placed.append(_place(graph, operation, position, reason))
    return tuple(placed)


def _place(graph: Graph, operation: Operation, position: int, reason: str | None) -> PlacedOperation:
    made = graph.outputs_of(operation)
    return PlacedOperation(
        position=position,
        name=operation.name,
        version=operation.version,
        kind=made[0].kind.lower() if made else "",
        shape=made[0].shape if made else (),
        place="edgetpu" if reason is None else "cpu",
        reason=reason or "",
    )
