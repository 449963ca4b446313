"""Whether an Edge TPU is proven, and how failures are told apart. A double of libedgetpu stands for it."""

import sys
from pathlib import Path

import pytest

from leapfrog.devices.failures import REMEDIES, DeviceFailure, DeviceProof
from leapfrog.packages.package import ModelPackage, load_package
from leapfrog.trials.device_proof import prove
from support.edge_tpu import EdgeTpuDouble, compile_package
from support.tiny_models import write_classifier, write_segmenter


@pytest.fixture
def packages(tmp_path: Path) -> list[ModelPackage]:
    """Both tiny packages, compiled."""
    written = (write_classifier(tmp_path / "classifier"), write_segmenter(tmp_path / "segmenter"))
    return [load_package(compile_package(folder)) for folder in written]


def proven(edge_tpu: EdgeTpuDouble, packages: list[ModelPackage], device: str = "usb:0") -> DeviceProof:
    return prove(device, str(edge_tpu.library), sys.executable, packages, threads=1)


def test_a_device_that_answers_rightly_is_proven(edge_tpu: EdgeTpuDouble, packages: list[ModelPackage]) -> None:
    proof = proven(edge_tpu, packages)
    assert proof.trouble is None
    assert [one.package for one in proof.packages] == [package.title for package in packages]
    assert all(one.first_ms > 0 and one.median_ms > 0 and one.cpu_ms > 0 for one in proof.packages)
    assert proof.runtime.startswith("ai_edge_litert ")
    assert edge_tpu.calls == 2 * 6


def test_without_compiled_models_a_device_is_of_no_use(edge_tpu: EdgeTpuDouble, tmp_path: Path) -> None:
    proof = proven(edge_tpu, [load_package(write_classifier(tmp_path / "plain"))])
    assert proof.trouble is not None
    assert proof.trouble.kind is DeviceFailure.NOT_COMPILED
    assert edge_tpu.calls == 0


@pytest.mark.parametrize(
    ("behaviour", "kind", "said"),
    [
        ("too-new", DeviceFailure.COMPILED_TOO_NEW, "runtime 15, this libedgetpu has 14"),
        ("segfault-at-construction", DeviceFailure.RUNTIME_MISFIT, "do not fit"),
        ("wrong", DeviceFailure.WRONG_ANSWERS, "tiny-chest 1.2.3 answers otherwise"),
        ("wrong-size", DeviceFailure.WRONG_ANSWERS, "not an answer"),
        ("abort", DeviceFailure.ENDED, "signal 6"),
        ("segfault", DeviceFailure.ENDED, "signal 11"),
        ("exit", DeviceFailure.ENDED, "no word"),
        ("refuse", DeviceFailure.REFUSED, "Failed to load delegate"),
        ("fail", DeviceFailure.REFUSED, "Could not map pages"),
    ],
)
def test_what_fails_is_told_apart(
    edge_tpu: EdgeTpuDouble, packages: list[ModelPackage], behaviour: str, kind: DeviceFailure, said: str
) -> None:
    edge_tpu.next(behaviour)
    trouble = proven(edge_tpu, packages).trouble
    assert trouble is not None
    assert (trouble.kind, trouble.remedy) == (kind, REMEDIES[kind])
    assert said in trouble.detail


def test_a_device_that_is_slower_than_the_processor_is_of_no_use(
    edge_tpu: EdgeTpuDouble, packages: list[ModelPackage]
) -> None:
    edge_tpu.always("slow 120")
    trouble = proven(edge_tpu, packages).trouble
    assert trouble is not None
    assert trouble.kind is DeviceFailure.SLOW


def test_every_kind_has_a_remedy_of_its_own() -> None:
    assert set(REMEDIES) == set(DeviceFailure)
    assert len(set(REMEDIES.values())) == len(REMEDIES)
