"""Runs `proof.py` in a process of its own and explains what comes of it."""

import os
import subprocess
import sys
from pathlib import Path

from pydantic import ValidationError

from leapfrog.devices.edge_tpu import EDGE_TPU_LIBRARY, KernelDevice, kernel_devices
from leapfrog.devices.verdict import DeviceFailure, DeviceProof, Trouble, of_refused_delegate
from leapfrog.processes.messages import ReaderSetup

PROOF_MODULE = "leapfrog.trials.device_proof"
PROOF_SECONDS = 60.0  # a board that boots from an SD card takes some of them to load its programs
TOO_HOT_CELSIUS = 95.0  # the chip's own last throttling step; it switches itself off at 100


class DeviceTrial:
    """A proof that is going on. It ends at once with the thread that began it, at the latest."""

    def __init__(self, python: str, setup: ReaderSetup, name: str, path: str) -> None:
        """Begin to prove the device that libedgetpu opens by `name` and lists at `path`.

        No other process may have the device: a second one that opens it ends the first.
        """
        self._name, self._path = name, path
        command = [sys.executable, "-P", "-m", PROOF_MODULE, "--device", name, "--library", EDGE_TPU_LIBRARY]
        command += ["--python", python, "--setup", setup.model_dump_json(), "--parent", str(os.getpid())]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """End it without a result that counts. From any thread."""
        self._process.kill()

    def result(self, seconds: float = PROOF_SECONDS) -> DeviceProof:
        """Wait for it; one that takes longer than `seconds` hangs and is ended."""
        try:
            answer, _ = self._process.communicate(timeout=seconds)
            proof = DeviceProof.model_validate_json(answer)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return self._failed(DeviceFailure.HUNG, f"The device gave no answer within {seconds:.0f} s.")
        except ValidationError:
            status = self._process.returncode
            return self._failed(DeviceFailure.REFUSED, f"The proof ended without an answer (status {status}).")
        return _explained(proof, self._path)

    def _failed(self, kind: DeviceFailure, detail: str) -> DeviceProof:
        return DeviceProof(device=self._name, trouble=Trouble(kind=kind, detail=detail))


def kernel_device(path: str) -> KernelDevice | None:
    """What the kernel shows of the device that the library lists at `path`: its folder under /sys or its file."""
    return next((one for one in kernel_devices() if Path(path).name in (one.path.name, one.node.name)), None)


def too_hot(path: str) -> Trouble | None:
    """The trouble of a device that is about to switch itself off; None for any other. USB does not tell."""
    kernel = kernel_device(path)
    if kernel is None or kernel.celsius is None or kernel.celsius < TOO_HOT_CELSIUS:
        return None
    return Trouble(kind=DeviceFailure.SLOW, detail=f"The device is at {kernel.celsius:.0f} °C.")


def is_open_elsewhere(node: Path) -> bool:
    """Whether a process that this user may look into has the device's file open."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == node:
                return True
        except OSError:
            continue
    return False


def _explained(proof: DeviceProof, path: str) -> DeviceProof:
    """What libedgetpu does not say of a device that it refuses to open."""
    if proof.trouble is None or proof.trouble.kind is not DeviceFailure.REFUSED:
        return proof
    kernel = kernel_device(path)
    trouble = of_refused_delegate(
        proof.trouble.detail,
        present=kernel is not None,
        may_be_opened=lambda: kernel is not None and kernel.may_be_opened,
        is_open_elsewhere=lambda: kernel is not None and is_open_elsewhere(kernel.node),
    )
    return proof.model_copy(update={"trouble": trouble})
