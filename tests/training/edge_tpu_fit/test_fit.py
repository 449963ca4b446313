"""What `check` says of a model against what the real compiler made of it. None of this needs TensorFlow."""

import json
from collections import Counter
from pathlib import Path

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from typer.testing import CliRunner

from leapfrog.packages.package import SHIPPED_PACKAGES
from leapfrog_training.cli import app
from leapfrog_training.edge_tpu_fit.fit import fit_of, require_whole_mapping
from leapfrog_training.edge_tpu_fit.graph import EDGE_TPU_OPERATION, read_graph
from leapfrog_training.errors import ModelFileError, NotForEdgeTpu
from support import tiny_models

PAIRS = (
    "deeplabv3_mnv2_dm05_pascal_quant",
    "keras_lstm_mnist_ptq",
    "mobilenet_v1_0.25_128_quant",
    "mobilenet_v1_0.5_160_quant",
    "mobilenet_v1_1.0_224_quant_embedding_extractor",
    "movenet_single_pose_lightning_ptq",
)
SEED = 3


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_said_to_fall_to_the_cpu_is_what_the_real_compiler_left_there(shared_data: Path, name: str) -> None:
    compiled = read_graph((shared_data / "coral" / f"{name}_edgetpu.tflite").read_bytes())
    left = Counter(operation.name for operation in compiled.operations if operation.name != EDGE_TPU_OPERATION)
    fit = fit_of((shared_data / "coral" / f"{name}.tflite").read_bytes())
    assert Counter(one.name for one in fit.operations if one.place == "cpu") == left
    assert fit.maps_whole == (not left)


@pytest.mark.parametrize("package", sorted(path.name for path in SHIPPED_PACKAGES.iterdir()))
def test_the_packages_that_ship_map_whole(package: str) -> None:
    fit = fit_of((SHIPPED_PACKAGES / package / "model.tflite").read_bytes())
    assert [one for one in fit.operations if one.place == "cpu"] == []
    assert fit.streamed_bytes == (0, 0)
    assert {one.kind for one in fit.operations} == {"int8"}


def test_multiply_accumulates_are_counted() -> None:
    # 7 x 7 cells, one kernel of 1 x 1 x 1 for each of two findings
    fit = fit_of(tiny_models.classifier_content())
    assert fit.work.macs == 7 * 7 * 2


def test_mobilenet_v2_has_the_work_that_its_paper_states(shared_data: Path) -> None:
    fit = fit_of((shared_data / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite").read_bytes())
    assert fit.maps_whole
    assert fit.work.macs == pytest.approx(300e6, rel=0.02)  # Sandler et al., CVPR 2018, table 4
    assert fit.work.parameter_bytes == pytest.approx(3.5e6, rel=0.05)


def test_a_model_that_falls_to_the_cpu_is_refused_by_its_first_such_operation(shared_data: Path) -> None:
    with pytest.raises(NotForEdgeTpu, match=r"operation 64, RESIZE_BILINEAR.*--allow-cpu-ops"):
        require_whole_mapping(shared_data / "coral" / "deeplabv3_mnv2_dm05_pascal_quant.tflite")
    require_whole_mapping(SHIPPED_PACKAGES / "fetal-head" / "model.tflite")


def test_a_compiled_model_is_recognised(shared_data: Path) -> None:
    with pytest.raises(ModelFileError, match="already compiled for the Edge TPU"):
        fit_of((shared_data / "coral" / "keras_lstm_mnist_ptq_edgetpu.tflite").read_bytes())


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"PK\x03\x04 a zip file", b"\x10\x00\x00\x00TFL3"])
def test_what_is_no_model_is_told_in_a_sentence(content: bytes) -> None:
    with pytest.raises(ModelFileError, match="TFLite model"):
        fit_of(content)


def test_damaged_models_end_in_a_sentence_or_a_verdict_never_in_a_traceback() -> None:
    random = np.random.default_rng(SEED)
    whole = tiny_models.segmenter_content()
    for _ in range(1500):
        damaged = bytearray(whole)
        for position in random.integers(8, len(whole), size=random.integers(1, 6)):
            damaged[position] = random.integers(256)
        content = bytes(damaged[: random.integers(8, len(whole) + 1)])
        try:
            fit_of(content)
        except ModelFileError as problem:
            assert str(problem)


def test_an_operation_that_lacks_its_tensors_is_damage() -> None:
    model = schema.ModelT.InitFromPackedBuf(tiny_models.segmenter_content(), 0)
    convolution = next(one for one in model.subgraphs[0].operators if len(one.inputs) == 3)
    convolution.inputs = list(convolution.inputs)[:1]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    with pytest.raises(ModelFileError, match="damaged"):
        fit_of(bytes(builder.Output()))


def test_the_json_has_the_shape_that_programs_rely_on() -> None:
    result = CliRunner().invoke(app, ["check", str(SHIPPED_PACKAGES / "fetal-head" / "model.tflite"), "--json"])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["maps_whole"] is True
    assert set(told["ops"][0]) == {"op", "version", "count", "on", "reason"}
    assert told["parameter_bytes"] > 100_000 and told["macs"] > 10_000_000
    assert all(one["low"] < one["estimate"] < one["high"] for one in told["latency_ms"].values())


def test_a_model_with_work_for_the_cpu_ends_with_exit_status_1_and_says_where(shared_data: Path) -> None:
    model = shared_data / "coral" / "movenet_single_pose_lightning_ptq.tflite"
    result = CliRunner().invoke(app, ["check", str(model)])
    assert result.exit_code == 1
    assert "operation 0, CAST" in " ".join(result.stdout.split())
