"""How much work a model's inference is, on which its latency on an Edge TPU depends."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from leapfrog_training.edge_tpu_fit.graph import Graph, Operation


@dataclass(frozen=True)
class Workload:
    """Operations and multiply-accumulates of one inference, and its bytes: of parameters, of all operations' outputs,
    and of inputs and outputs over the bus.
    """

    operations: int
    macs: int
    parameter_bytes: int
    activation_bytes: int
    bus_bytes: int


def workload(graph: Graph, operations: Iterable[Operation] | None = None) -> Workload:
    """The workload of these `operations` of the graph, or of all of them."""
    chosen = graph.operations if operations is None else tuple(operations)
    constants = {
        index for op in chosen for index in op.inputs if index is not None and graph.tensors[index].is_constant
    }
    ends = (*graph.inputs, *graph.outputs)
    return Workload(
        operations=len(chosen),
        macs=sum(_macs(graph, op) for op in chosen),
        parameter_bytes=sum(graph.tensors[index].byte_count for index in constants),
        activation_bytes=sum(tensor.byte_count for op in chosen for tensor in graph.outputs_of(op)),
        bus_bytes=sum(graph.tensors[index].byte_count for index in ends),
    )


def _macs(graph: Graph, operation: Operation) -> int:
    count = MACS.get(operation.name)
    return 0 if count is None else count(graph, operation)


def _convolution(graph: Graph, operation: Operation) -> int:
    weights = graph.inputs_of(operation)[1].shape  # (out, rows, columns, in)
    return graph.outputs_of(operation)[0].elements * weights[1] * weights[2] * weights[3]


def _depthwise(graph: Graph, operation: Operation) -> int:
    weights = graph.inputs_of(operation)[1].shape  # (1, rows, columns, channels)
    return graph.outputs_of(operation)[0].elements * weights[1] * weights[2]


def _transposed(graph: Graph, operation: Operation) -> int:
    _, weights, picture = graph.inputs_of(operation)[:3]  # weights (out, rows, columns, in)
    return picture.elements * weights.shape[0] * weights.shape[1] * weights.shape[2]


def _fully_connected(graph: Graph, operation: Operation) -> int:
    weights = graph.inputs_of(operation)[1].shape  # (out, in)
    return graph.outputs_of(operation)[0].elements * weights[1]


MACS: Mapping[str, Callable[[Graph, Operation], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _fully_connected,
}
