"""Proves an Edge TPU in a separate process, and explains the result."""

from pydantic import ValidationError

from leapfrog.devices.kernel import is_open_elsewhere, kernel_device
from leapfrog.processes.command_lines import EDGE_TPU_LIBRARY, our_program
from leapfrog.processes.device_failures import DeviceFailure, DeviceProof, FailureKind, explain_refused_delegate
from leapfrog.processes.messages import ReaderSetup
from leapfrog.processes.trial import Trials

PROOF_PROGRAM = "leapfrog.trials.device_proof"
PROOF_SECONDS = 60.0  # long enough for a board that loads its programs from an SD card
TOO_HOT_CELSIUS = 95.0  # the chip's own last throttling step; it switches itself off at 100


def prove(
    python: str, setup: ReaderSetup, name: str, path: str, seconds: float = PROOF_SECONDS, trials: Trials | None = None
) -> DeviceProof:
    """Prove the device that libedgetpu opens by `name` and lists at `path`. A proof that takes longer than `seconds` is
    killed, and the device counts as hung.

    No other process may have the device open: the second one to open it kills the first. With `trials`, another thread
    can end the proof; its result then means nothing. Raises EngineError when the program cannot be started.
    """
    command = our_program(PROOF_PROGRAM, "--device", name, "--library", EDGE_TPU_LIBRARY, "--python", python)
    end = (trials or Trials()).run([*command, "--setup", setup.model_dump_json()], seconds)
    if end.how == "late":
        return _failed(name, FailureKind.HUNG, f"The device gave no answer within {seconds:.0f} s.")
    try:
        return _explained(DeviceProof.model_validate_json(end.printed), path)
    except ValidationError:
        return _failed(name, FailureKind.REFUSED, f"The proof ended without an answer (status {end.status}).")


def _failed(name: str, kind: FailureKind, detail: str) -> DeviceProof:
    return DeviceProof(device=name, failure=DeviceFailure(kind=kind, detail=detail))


def too_hot(path: str) -> DeviceFailure | None:
    """Why a device that is about to switch itself off should rest; None for any other. Only PCIe devices report a
    temperature.
    """
    kernel = kernel_device(path)
    if kernel is None or kernel.celsius is None or kernel.celsius < TOO_HOT_CELSIUS:
        return None
    return DeviceFailure(kind=FailureKind.SLOW, detail=f"The device is too hot ({kernel.celsius:.0f} °C).")


def _explained(proof: DeviceProof, path: str) -> DeviceProof:
    """Add the reason that libedgetpu does not give when it refuses to open a device."""
    if proof.failure is None or proof.failure.kind is not FailureKind.REFUSED:
        return proof
    kernel = kernel_device(path)
    failure = explain_refused_delegate(
        proof.failure.detail,
        present=kernel is not None,
        may_be_opened=lambda: kernel is not None and kernel.may_be_opened,
        is_open_elsewhere=lambda: kernel is not None and is_open_elsewhere(kernel.node),
    )
    return proof.model_copy(update={"failure": failure})
