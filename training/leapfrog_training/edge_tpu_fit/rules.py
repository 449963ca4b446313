"""Which operations edgetpu_compiler 16.0 accepts, and why not the others.

Sources: Coral's list of supported operations ("TensorFlow models on the Edge TPU"), versions that the compiler was seen
to accept or refuse, and Coral's own models with their compiled forms, which the tests compare with these rules.
"""

from collections.abc import Callable, Mapping

from leapfrog_training.edge_tpu_fit.graph import Graph, Operation, Tensor

QUANTIZED = ("INT8", "UINT8")
MOST_LONG_DIMENSIONS = 3
MEAN_CHANNELS = 4
MOST_SOFTMAX_ELEMENTS = 16_000  # of a one-dimensional input
LARGEST_UPSAMPLING = 8  # times per side; 2 was seen to be accepted, 33 stayed on the CPU "to avoid loss in precision"
# It is not published where "large activation tensors" begin. This is an estimate: U-Nets whose largest tensor had
# 128 x 128 x 32 values were compiled entirely, with 256 x 256 x 32 partly, with 512 x 512 not at all (edgetpu issues
# 187, 439, 653).
LARGEST_ACTIVATION_BYTES = 4 * 1024 * 1024

# The highest version of each operation that is accepted.
HIGHEST_VERSION: Mapping[str, int] = {
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "EXPAND_DIMS": 1,
    "FULLY_CONNECTED": 4,
    "L2_NORMALIZATION": 2,
    "LOGISTIC": 2,
    "MAXIMUM": 2,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
    "MINIMUM": 2,
    "MUL": 2,
    "PACK": 2,
    "PAD": 2,
    "PRELU": 1,
    "QUANTIZE": 1,
    "REDUCE_MAX": 2,
    "REDUCE_MIN": 2,
    "RELU": 2,
    "RELU6": 2,
    "RELU_N1_TO_1": 1,
    "RESHAPE": 1,
    "RESIZE_BILINEAR": 3,
    "RESIZE_NEAREST_NEIGHBOR": 2,
    "RSQRT": 1,
    "SLICE": 2,
    "SOFTMAX": 2,
    "SPACE_TO_DEPTH": 2,
    "SPLIT": 2,
    "SQUARED_DIFFERENCE": 1,
    "SQUEEZE": 1,
    "STRIDED_SLICE": 2,
    "SUB": 2,
    "SUM": 1,
    "TANH": 2,
    "TRANSPOSE": 2,
    "TRANSPOSE_CONV": 3,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 1,
}
WITH_STATE = ("UNIDIRECTIONAL_SEQUENCE_LSTM",)
INSTEAD: Mapping[str, str] = {
    "TRANSPOSE_CONV": "convert it without a fused activation",
    "FULLY_CONNECTED": "flatten its input to two dimensions",
    "CONV_2D": "use a convolution that is not grouped",
    "RESIZE_NEAREST_NEIGHBOR": "use tf.compat.v1.image.resize_nearest_neighbor, which makes version 2",
}


def refusal(graph: Graph, operation: Operation) -> str | None:
    """Why the compiler would leave `operation` on the CPU, in a few words, or None if it would not. Operations before
    it are assumed to be on the Edge TPU.
    """
    for rule in (_unsupported, _too_new, _not_quantized, _not_static, _too_many_dimensions, _too_large):
        if (reason := rule(graph, operation)) is not None:
            return reason
    special = SPECIAL.get(operation.name)
    return special(graph, operation) if special is not None else None


def _unsupported(_graph: Graph, operation: Operation) -> str | None:
    return None if operation.name in HIGHEST_VERSION else "the operation is not supported"


def _too_new(_graph: Graph, operation: Operation) -> str | None:
    highest = HIGHEST_VERSION[operation.name]
    if operation.version <= highest:
        return None
    advice = INSTEAD.get(operation.name)
    return f"version {operation.version} is not supported, only up to {highest}" + (f": {advice}" if advice else "")


def _activations(graph: Graph, operation: Operation) -> tuple[Tensor, ...]:
    read = graph.inputs_of(operation)
    if operation.name in WITH_STATE:
        read = read[:1]  # its state, which is int16, does not count
    moving = [tensor for tensor in read if not tensor.is_constant]
    return (*moving, *graph.outputs_of(operation))


def _not_quantized(graph: Graph, operation: Operation) -> str | None:
    for tensor in _activations(graph, operation):
        if tensor.kind not in QUANTIZED:
            return f"uses {tensor.kind.lower()}, not int8 or uint8"
    return None


def _not_static(graph: Graph, operation: Operation) -> str | None:
    tensors = (*graph.inputs_of(operation), *graph.outputs_of(operation))
    if all(tensor.is_static for tensor in tensors):
        return None
    return "a dimension is not fixed: convert with a fixed batch size of 1"


def _too_many_dimensions(graph: Graph, operation: Operation) -> str | None:
    for tensor in _activations(graph, operation):
        if _long_dimensions(tensor) > MOST_LONG_DIMENSIONS:
            return f"shape {list(tensor.shape)} has more than {MOST_LONG_DIMENSIONS} dimensions above 1"
    return None


def _too_large(graph: Graph, operation: Operation) -> str | None:
    for tensor in _activations(graph, operation):
        if tensor.byte_count > LARGEST_ACTIVATION_BYTES:
            return (
                f"shape {list(tensor.shape)} takes {tensor.byte_count / 2**20:.1f} MiB; large activation tensors are "
                f"refused (above about {LARGEST_ACTIVATION_BYTES // 2**20} MiB, an estimate)"
            )
    return None


def _constant_weights(graph: Graph, operation: Operation) -> str | None:
    weights = operation.inputs[1] if len(operation.inputs) > 1 else None
    if weights is not None and not graph.tensors[weights].is_constant:
        return "its weights are not constants"
    return None


def _convolution(graph: Graph, operation: Operation) -> str | None:
    across, down = (getattr(operation.options, name, 1) for name in ("dilationWFactor", "dilationHFactor"))
    if across != down:
        return f"has dilation {across} across and {down} down; both must be equal"
    return _constant_weights(graph, operation)


def _fully_connected(graph: Graph, operation: Operation) -> str | None:
    (output,) = graph.outputs_of(operation)
    if _long_dimensions(output) > 1:
        return f"its output has shape {list(output.shape)}; only one dimension may be above 1"
    return _constant_weights(graph, operation)


def _no_fused_activation(_graph: Graph, operation: Operation) -> str | None:
    if getattr(operation.options, "fusedActivationFunction", 0):
        return "has a fused activation: convert it with the activation as a separate layer"
    return None


def _concatenation(graph: Graph, operation: Operation) -> str | None:
    constants = [tensor for tensor in graph.inputs_of(operation) if tensor.is_constant]
    if constants and len(operation.inputs) != 2:
        return "joins a constant with more than one other tensor"
    return _no_fused_activation(graph, operation)


def _reduction(graph: Graph, operation: Operation) -> str | None:
    read, axes = graph.inputs_of(operation)[:2]
    dimensions = len(read.shape)
    reduced = {axis % dimensions for axis in axes.values if dimensions}
    if 0 in reduced and dimensions > 1:
        return "reduces the batch"
    channels = read.shape[-1] if dimensions else 1
    if operation.name == "MEAN" and dimensions - 1 in reduced and channels % MEAN_CHANNELS:
        return f"averages over {channels} channels, which is not a multiple of {MEAN_CHANNELS}"
    return None


def _pad(graph: Graph, operation: Operation) -> str | None:
    return "pads the batch" if any(graph.inputs_of(operation)[1].values[:2]) else None


def _long_dimensions(tensor: Tensor) -> int:
    return sum(length > 1 for length in tensor.shape)


def _resize(graph: Graph, operation: Operation) -> str | None:
    before, after = graph.inputs_of(operation)[0].shape, graph.outputs_of(operation)[0].shape
    factor = max(wide / max(narrow, 1) for narrow, wide in zip(before[1:3], after[1:3], strict=True))
    if factor > LARGEST_UPSAMPLING:
        return f"enlarges {factor:.0f} times; so much stays on the CPU, which is more precise"
    return None


def _softmax(graph: Graph, operation: Operation) -> str | None:
    read = graph.inputs_of(operation)[0]
    elements = read.elements
    if _long_dimensions(read) > 1:
        return f"its input has shape {list(read.shape)}; only one dimension may be above 1"
    if elements > MOST_SOFTMAX_ELEMENTS:
        return f"has {elements} elements, more than {MOST_SOFTMAX_ELEMENTS}"
    return None


def _strided_slice(graph: Graph, operation: Operation) -> str | None:
    strides = graph.inputs_of(operation)[3].values
    return None if strides and set(strides) == {1} else "has strides other than 1"


SPECIAL: Mapping[str, Callable[[Graph, Operation], str | None]] = {
    "AVERAGE_POOL_2D": _no_fused_activation,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _no_fused_activation,
    "MEAN": _reduction,
    "PAD": _pad,
    "REDUCE_MAX": _reduction,
    "REDUCE_MIN": _reduction,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SOFTMAX": _softmax,
    "STRIDED_SLICE": _strided_slice,
    "SUM": _reduction,
}
