"""Each rule of the compiler on a small graph of its own."""

from types import SimpleNamespace

import pytest

from leapfrog_training.edge_tpu_fit.graph import Graph, Operation, Tensor
from leapfrog_training.edge_tpu_fit.rules import LARGEST_ACTIVATION_BYTES, refusal


def tensor(*shape: int, kind: str = "INT8", constant: bool = False, values: tuple[int, ...] = ()) -> Tensor:
    return Tensor(shape, kind, is_constant=constant, is_static=-1 not in shape, values=values)


def verdict(name: str, version: int, inputs: list[Tensor], output: Tensor, **fields: int) -> str | None:
    options = SimpleNamespace(**fields)
    operation = Operation(name, version, tuple(range(len(inputs))), (len(inputs),), options)
    return refusal(Graph((*inputs, output), (operation,), (0,), (len(inputs),)), operation)


def convolution(version: int = 3, kind: str = "INT8", constant: bool = True, batch: int = 1) -> str | None:
    weights = tensor(4, 1, 1, 2, kind=kind, constant=constant)
    return verdict("CONV_2D", version, [tensor(batch, 8, 8, 2, kind=kind), weights], tensor(1, 8, 8, 4, kind=kind))


def test_an_int8_convolution_is_taken() -> None:
    assert convolution() is None
    assert convolution(kind="UINT8") is None


def test_a_newer_version_is_refused_with_what_to_do() -> None:
    assert "version 6 is not supported, only up to 3: use a convolution that is not grouped" in (
        convolution(version=6) or ""
    )


def test_float_is_refused() -> None:
    assert "float32" in (convolution(kind="FLOAT32") or "")


def test_weights_that_are_computed_are_refused() -> None:
    assert "not constants" in (convolution(constant=False) or "")


def test_an_open_batch_is_refused() -> None:
    assert "fixed batch size of 1" in (convolution(batch=-1) or "")


def test_more_than_three_long_dimensions_are_refused() -> None:
    assert "more than 3 dimensions" in (verdict("ADD", 2, [tensor(2, 8, 8, 2)] * 2, tensor(2, 8, 8, 2)) or "")


@pytest.mark.parametrize("name", ["DEQUANTIZE", "ARG_MAX", "CAST", "LEAKY_RELU", "HARD_SWISH", "ELU", "WHILE"])
def test_operations_that_are_not_on_coral_s_list_are_refused(name: str) -> None:
    assert verdict(name, 1, [tensor(1, 8)], tensor(1, 8)) == "the operation is not supported"


def test_enlarging_a_little_is_taken_and_much_is_not() -> None:
    size = tensor(2, kind="INT32", constant=True, values=(16, 16))
    assert verdict("RESIZE_BILINEAR", 2, [tensor(1, 8, 8, 4), size], tensor(1, 16, 16, 4)) is None
    assert "enlarges 33 times" in (
        verdict("RESIZE_BILINEAR", 2, [tensor(1, 1, 1, 4), size], tensor(1, 33, 33, 4)) or ""
    )
    assert "version 3" in (
        verdict("RESIZE_NEAREST_NEIGHBOR", 3, [tensor(1, 8, 8, 4), size], tensor(1, 16, 16, 4)) or ""
    )


def test_a_softmax_over_too_many_is_refused() -> None:
    assert verdict("SOFTMAX", 2, [tensor(1, 16_000)], tensor(1, 16_000)) is None
    assert "16001 elements" in (verdict("SOFTMAX", 2, [tensor(1, 16_001)], tensor(1, 16_001)) or "")


def test_slices_with_wide_strides_are_refused() -> None:
    def sliced(stride: int) -> str | None:
        constants = [tensor(2, kind="INT32", constant=True, values=(0, 0))] * 2
        strides = tensor(2, kind="INT32", constant=True, values=(1, stride))
        return verdict("STRIDED_SLICE", 1, [tensor(1, 8), *constants, strides], tensor(1, 8 // stride))

    assert sliced(1) is None
    assert "strides other than 1" in (sliced(2) or "")


def test_large_activations_are_refused_as_an_estimate() -> None:
    side = 512
    picture = tensor(1, side, side, LARGEST_ACTIVATION_BYTES // side**2 + 1)
    assert "an estimate" in (verdict("LOGISTIC", 2, [picture], picture) or "")


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D", "CONCATENATION"])
def test_an_activation_that_is_fused_into_pooling_or_joining_is_refused(name: str) -> None:
    inputs, output = [tensor(1, 8, 8, 4)] * 2, tensor(1, 8, 8, 4)
    assert verdict(name, 2, inputs, output, fusedActivationFunction=0) is None
    assert "has a fused activation" in (verdict(name, 2, inputs, output, fusedActivationFunction=3) or "")


def test_a_mean_over_channels_needs_a_multiple_of_four_and_never_the_batch() -> None:
    def mean(channels: int, *axes: int) -> str | None:
        reduced = tensor(len(axes), kind="INT32", constant=True, values=axes)
        return verdict("MEAN", 2, [tensor(1, 7, 7, channels), reduced], tensor(1, channels))

    assert mean(5, 1, 2) is None
    assert mean(8, -1) is None
    assert "averages over 5 channels" in (mean(5, 3) or "")
    assert "reduces the batch" in (mean(8, 0) or "")


def test_lines_of_several_dimensions_are_refused_where_one_is_wanted() -> None:
    weights = tensor(4, 8, constant=True)
    assert verdict("FULLY_CONNECTED", 4, [tensor(1, 8), weights], tensor(1, 4)) is None
    assert "its output has shape [6, 4]" in (verdict("FULLY_CONNECTED", 4, [tensor(6, 8), weights], tensor(6, 4)) or "")
    assert "its input has shape [6, 4]" in (verdict("SOFTMAX", 2, [tensor(6, 4)], tensor(6, 4)) or "")


def test_unequal_dilation_and_padded_batches_are_refused() -> None:
    weights, picture = tensor(4, 3, 3, 2, constant=True), tensor(1, 8, 8, 4)
    unequal = verdict("CONV_2D", 3, [picture, weights], picture, dilationWFactor=2, dilationHFactor=1)
    assert "dilation 2 across and 1 down" in (unequal or "")
    around = tensor(4, 2, kind="INT32", constant=True, values=(0, 0, 1, 1, 1, 1, 0, 0))
    assert verdict("PAD", 2, [picture, around], tensor(1, 10, 10, 4)) is None
    before = tensor(4, 2, kind="INT32", constant=True, values=(1, 0, 0, 0, 0, 0, 0, 0))
    assert "pads the batch" in (verdict("PAD", 2, [tensor(1, 1, 8, 4), before], tensor(2, 1, 8, 4)) or "")


def test_a_constant_is_joined_with_one_tensor_only() -> None:
    moving, constant = tensor(1, 8, 8, 4), tensor(1, 8, 8, 4, constant=True)
    assert verdict("CONCATENATION", 2, [moving, constant], tensor(1, 8, 8, 8)) is None
    assert "more than one other" in (verdict("CONCATENATION", 2, [moving, moving, constant], moving) or "")
