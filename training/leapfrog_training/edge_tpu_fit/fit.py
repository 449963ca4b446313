"""The verdict: where each operation of a model would run, and where the first one falls to the CPU."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leapfrog_training.edge_tpu_fit.graph import DAMAGE, Graph, Operation, read_graph
from leapfrog_training.edge_tpu_fit.latency import BUSES, LEAST_CACHE_BYTES, Bus, Estimate, estimate
from leapfrog_training.edge_tpu_fit.rules import refusal
from leapfrog_training.edge_tpu_fit.workload import Workload, workload
from leapfrog_training.errors import ModelFileError, NotForEdgeTpu

# Of parameters on the chip: the least and the most that compiled models were seen to have.
CACHE_BYTES = (int(LEAST_CACHE_BYTES), int(7.9 * 2**20))

Place = Literal["edgetpu", "cpu"]


@dataclass(frozen=True)
class PlacedOperation:
    """One operation with its place; `reason` is empty on the Edge TPU. `shape` is that of its first output."""

    position: int
    name: str
    version: int
    kind: str
    shape: tuple[int, ...]
    place: Place
    reason: str


@dataclass(frozen=True)
class Fit:
    """What the Edge TPU would make of a model. `latency_ms` covers the part on the Edge TPU, by bus."""

    operations: tuple[PlacedOperation, ...]
    work: Workload
    latency_ms: dict[Bus, Estimate]

    @property
    def maps_whole(self) -> bool:
        """Whether nothing is left to the CPU."""
        return all(operation.place == "edgetpu" for operation in self.operations)

    @property
    def first_on_cpu(self) -> PlacedOperation | None:
        """The first operation that falls to the CPU, None when the model maps whole."""
        return next((operation for operation in self.operations if operation.place == "cpu"), None)

    @property
    def streamed_bytes(self) -> tuple[int, int]:
        """Parameters that do not fit on the chip and cross the bus at each inference: at best and at worst."""
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
    """The verdict on an int8 or uint8 TFLite file. Raises ModelFileError when it is none, or compiled already."""
    graph = read_graph(model)
    if graph.is_compiled:
        raise ModelFileError("this model was compiled for the Edge TPU already: give the file that it was made from")
    try:
        placed = _placed(graph)
        taken = [graph.operations[one.position] for one in placed if one.place == "edgetpu"]
        work = workload(graph, taken)
    except DAMAGE as problem:  # an operation that lacks a tensor which every such operation has
        raise ModelFileError(
            f"the TFLite model is damaged ({type(problem).__name__}): convert or copy it again"
        ) from problem
    return Fit(placed, work, {bus: estimate(work, bus) for bus in BUSES})


def require_whole_mapping(path: Path) -> None:
    """Raise NotForEdgeTpu, naming the first operation that falls to the CPU and why, unless the model maps whole."""
    fit = fit_of(path.read_bytes())
    first = fit.first_on_cpu
    if first is None:
        return
    left = sum(one.place == "cpu" for one in fit.operations)
    raise NotForEdgeTpu(
        f"{path.name} would not run whole on an Edge TPU: operation {first.position}, {first.name}, "
        f"{first.reason}; {left} of {len(fit.operations)} operations would fall to the CPU. `leapfrog-train check` "
        "lists them. Change the network, or say --allow-cpu-ops"
    )


def _placed(graph: Graph) -> tuple[PlacedOperation, ...]:
    """An operation falls to the CPU by itself or because it needs what was made there: there is one subgraph on the
    Edge TPU. What comes before it (a CAST of the input) runs on the CPU without pulling the rest along.
    """
    reasons = [refusal(graph, operation) for operation in graph.operations]
    first_taken = next((index for index, reason in enumerate(reasons) if reason is None), len(reasons))
    made_on_cpu: set[int] = set()
    placed = []
    for position, (operation, own_reason) in enumerate(zip(graph.operations, reasons, strict=True)):
        reason = own_reason
        if reason is None and made_on_cpu.intersection(index for index in operation.inputs if index is not None):
            reason = "needs what was made on the CPU; only one part of a model runs on the Edge TPU"
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
