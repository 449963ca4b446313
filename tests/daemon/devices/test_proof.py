"""Why libedgetpu refuses a device: it never says, but the kernel's view of the device shows it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leapfrog.devices import kernel
from leapfrog.devices.kernel import KernelDevice
from leapfrog.devices.proof import prove
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.processes.device_failures import FailureKind
from leapfrog.settings import EngineSettings, ModelSettings
from support.edge_tpu import EdgeTpuDouble, compile_package
from support.tiny_models import write_classifier

PORT = "/sys/bus/usb/devices/2-1"


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a device that the kernel shows at PORT."""
    made = tmp_path / "bus-2-device-4"
    made.write_bytes(b"")
    monkeypatch.setattr(kernel, "kernel_devices", lambda: (KernelDevice("usb", Path(PORT), made),))
    return made


def refused(edge_tpu: EdgeTpuDouble, folder: Path) -> FailureKind:
    """Try the device, which is refused. Returns the reason given."""
    edge_tpu.next("refuse")
    models = ModelSettings(paths=(compile_package(write_classifier(folder / "packages")),))
    proof = prove(sys.executable, reader_setup(EngineSettings(), models, folder), "usb:0", PORT)
    assert proof.failure is not None
    return proof.failure.kind


def test_a_file_that_may_not_be_opened(
    node: Path, edge_tpu: EdgeTpuDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != node)  # root, who runs the tests, may open everything
    assert refused(edge_tpu, tmp_path) is FailureKind.NO_PERMISSION


def test_another_program_that_has_it_open(node: Path, edge_tpu: EdgeTpuDouble, tmp_path: Path) -> None:
    with node.open("rb") as held:
        holder = subprocess.Popen(["sleep", "60"], pass_fds=[held.fileno()])
    try:
        assert refused(edge_tpu, tmp_path) is FailureKind.IN_USE
    finally:
        holder.kill()
        holder.wait()


def test_a_device_that_the_kernel_does_not_show(
    edge_tpu: EdgeTpuDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "kernel_devices", lambda: ())
    assert refused(edge_tpu, tmp_path) is FailureKind.NO_DEVICE


def test_a_device_with_nothing_amiss_is_refused_without_a_reason(
    node: Path, edge_tpu: EdgeTpuDouble, tmp_path: Path
) -> None:
    assert os.access(node, os.R_OK)
    assert refused(edge_tpu, tmp_path) is FailureKind.REFUSED


def test_a_proof_that_takes_too_long_hangs(node: Path, edge_tpu: EdgeTpuDouble, tmp_path: Path) -> None:
    edge_tpu.next("hang")
    models = ModelSettings(paths=(compile_package(write_classifier(tmp_path / "packages")),))
    proof = prove(sys.executable, reader_setup(EngineSettings(), models, tmp_path), "usb:0", PORT, seconds=4.0)
    assert proof.failure is not None
    assert proof.failure.kind is FailureKind.HUNG
    assert "within 4 s" in proof.failure.detail
