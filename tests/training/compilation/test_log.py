"""What edgetpu_compiler 16.0 prints, understood; and what nobody knows, not guessed at."""

import pytest

from leapfrog_training.compilation.log import OperatorStatus, read_log
from leapfrog_training.errors import CompilerError

HEAD = "Edge TPU Compiler version 16.0.384591198\nStarted a compilation timeout timer of 180 seconds.\n"
FOOT = "Compilation child process completed within timeout period.\nCompilation succeeded! \n"
MODEL = """
Input model: chest.tflite
Input size: 2.59MiB
Output model: chest_edgetpu.tflite
Output size: 2.71MiB
On-chip memory used for caching model parameters: 2.50MiB
On-chip memory remaining for caching model parameters: 512.00KiB
Off-chip memory used for streaming uncached model parameters: 12.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 7
Operation log: chest_edgetpu.log
"""
TABLE = """
Operator                       Count      Status

CONV_2D                        5          Mapped to Edge TPU
PAD                            2          Mapped to Edge TPU
"""
PARTIAL = """
Model successfully compiled but not all operations are supported by the Edge TPU. A percentage of the model will instead
run on the CPU, which is slower.
Number of operations that will run on Edge TPU: 4
Number of operations that will run on CPU: 3

Operator                       Count      Status

CONV_2D                        4          Mapped to Edge TPU
CONV_2D                        1          More than one subgraph is not supported
RESIZE_BILINEAR                2          Operation version not supported
"""


def test_every_field_of_a_whole_compilation_is_read() -> None:
    log = read_log(f"{HEAD}\nModel compiled successfully in 412 ms.\n{MODEL}{TABLE}{FOOT}")
    (model,) = log.models
    assert log.version == "16.0.384591198"
    assert (model.input_model, model.output_model) == ("chest.tflite", "chest_edgetpu.tflite")
    assert (model.input_bytes, model.output_bytes) == (round(2.59 * 2**20), round(2.71 * 2**20))
    assert (model.on_chip_bytes, model.remaining_bytes, model.streamed_bytes) == (2_621_440, 524_288, 12)
    assert (model.subgraphs, model.operations, model.operations_on_cpu) == (1, 7, 0)
    assert model.operators == (
        OperatorStatus("CONV_2D", 5, "Mapped to Edge TPU"),
        OperatorStatus("PAD", 2, "Mapped to Edge TPU"),
    )
    assert model.left_to_the_cpu == ""


def test_what_stays_on_the_cpu_is_reported_with_the_reason() -> None:
    (model,) = read_log(f"{HEAD}{MODEL}{PARTIAL}{FOOT}").models
    assert (model.operations_on_edge_tpu, model.operations_on_cpu) == (4, 3)
    assert model.left_to_the_cpu == (
        "1 CONV_2D: More than one subgraph is not supported; 2 RESIZE_BILINEAR: Operation version not supported"
    )


def test_each_of_several_models_has_its_own_numbers() -> None:
    other = MODEL.replace("chest", "head").replace("2.50MiB", "0.25MiB")
    first, second = read_log(
        f"{HEAD}Models compiled successfully in 9 ms.\n{MODEL}{TABLE}{other}{PARTIAL}{FOOT}"
    ).models
    assert (first.input_model, first.on_chip_bytes, first.operations_on_cpu) == ("chest.tflite", 2_621_440, 0)
    assert (second.input_model, second.on_chip_bytes, second.operations_on_cpu) == ("head.tflite", 262_144, 3)


def test_a_refusal_is_passed_on_in_the_compilers_own_words_alone() -> None:
    output = (
        "ERROR: Encountered unresolved custom op: Atan.\n\nCompilation failed: Model failed in Tflite interpreter.\n"
        "Compilation child process completed within timeout period.\nCompilation failed! \n"
    )
    with pytest.raises(CompilerError) as refused:
        read_log(HEAD + output)
    assert str(refused.value) == (
        "edgetpu_compiler 16.0.384591198 refused the model: ERROR: Encountered unresolved custom op: Atan. Compilation "
        "failed: Model failed in Tflite interpreter. `leapfrog-train check` shows which operations "
        "the Edge TPU can run"
    )


def test_the_compilers_own_time_limit_is_reported_as_such() -> None:
    output = "Compilation timeout. This is usually caused by large activations.\nCompilation failed! \n"
    with pytest.raises(CompilerError, match=r"ran out of time: .*large activations\. Allow more time with --timeout"):
        read_log(HEAD + output)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not the output of edgetpu_compiler: it gave no reason"),
        ("bash: line 1: something else", "not the output of edgetpu_compiler: bash: line 1"),
        (HEAD + MODEL.replace("remaining", "available") + TABLE, "no line 'On-chip memory remaining"),
        (HEAD + MODEL.replace("2.50MiB", "2.50 megabytes") + TABLE, "is '2.50 megabytes'"),
        (HEAD + MODEL, "0 of 7 operations are on the CPU, but 0 of 0 are mapped in its table"),
        (HEAD + MODEL.replace("operations: 7", "operations: 8") + TABLE, "0 of 8 operations are on the CPU"),
        (HEAD + MODEL + PARTIAL.replace("CPU: 3", "CPU: 2"), "2 of 7 operations are on the CPU"),
        (
            HEAD + MODEL + PARTIAL.replace("2          Operation", "1          Operation"),
            "4 of 6 are mapped",
        ),
    ],
)
def test_an_output_in_another_format_is_refused(text: str, expected: str) -> None:
    with pytest.raises(CompilerError, match=expected):
        read_log(text)
