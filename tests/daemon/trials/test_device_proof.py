"""Whether an Edge TPU is proven, and how failures are told apart. A double of libedgetpu stands for it."""

import sys
from pathlib import Path

import pytest

from leapfrog.packages.package import ModelPackage, load_package
from leapfrog.processes.device_failures import REMEDIES, DeviceProof, FailureKind
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
    assert proof.failure is None
    assert [one.package for one in proof.packages] == [package.title for package in packages]
    assert all(one.first_ms > 0 and one.median_ms > 0 and one.cpu_ms > 0 for one in proof.packages)
    assert proof.runtime.startswith("ai_edge_litert ")
    assert edge_tpu.calls == 2 * 6


def test_without_compiled_models_a_device_is_of_no_use(edge_tpu: EdgeTpuDouble, tmp_path: Path) -> None:
    proof = proven(edge_tpu, [load_package(write_classifier(tmp_path / "plain"))])
    assert proof.failure is not None
    assert proof.failure.kind is FailureKind.NOT_COMPILED
    assert edge_tpu.calls == 0


@pytest.mark.parametrize(
    ("behaviour", "kind", "said"),
    [
        ("too-new", FailureKind.COMPILED_TOO_NEW, "runtime 15, but this libedgetpu has 14"),
        ("segfault-at-construction", FailureKind.RUNTIME_MISFIT, "do not work together"),
        ("wrong", FailureKind.WRONG_ANSWERS, "tiny-chest 1.2.3 gives other answers"),
        ("wrong-size", FailureKind.WRONG_ANSWERS, "an invalid answer"),
        ("abort", FailureKind.ENDED, "signal 6"),
        ("segfault", FailureKind.ENDED, "signal 11"),
        ("exit", FailureKind.ENDED, "no reason given"),
        ("refuse", FailureKind.REFUSED, "Failed to load delegate"),
        ("fail", FailureKind.REFUSED, "Could not map pages"),
    ],
)
def test_failures_are_told_apart(
    edge_tpu: EdgeTpuDouble, packages: list[ModelPackage], behaviour: str, kind: FailureKind, said: str
) -> None:
    edge_tpu.next(behaviour)
    failure = proven(edge_tpu, packages).failure
    assert failure is not None
    assert (failure.kind, failure.remedy) == (kind, REMEDIES[kind])
    assert said in failure.detail


def test_a_device_that_is_slower_than_the_processor_is_of_no_use(
    edge_tpu: EdgeTpuDouble, packages: list[ModelPackage]
) -> None:
    edge_tpu.always("slow 120")
    failure = proven(edge_tpu, packages).failure
    assert failure is not None
    assert failure.kind is FailureKind.SLOW


def test_every_kind_has_a_remedy_of_its_own() -> None:
    assert set(REMEDIES) == set(FailureKind)
    assert len(set(REMEDIES.values())) == len(REMEDIES)
