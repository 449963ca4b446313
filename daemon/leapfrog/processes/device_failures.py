"""The result of proving an Edge TPU: how fast it was, or why it cannot be used and what to do."""

import re
import signal
from collections.abc import Callable
from enum import StrEnum
from typing import Literal

from leapfrog.exam import Frozen

ProofStep = Literal["starting", "loading", "running", "comparing"]

DELEGATE_REFUSED = "Failed to load delegate"
NEWER_RUNTIME = re.compile(r"requires runtime version \(?(\d+)\)?.*newer than this runtime version \(?(\d+)\)?")
NO_SHARED_OBJECT = "cannot open shared object file"


class FailureKind(StrEnum):
    """The kinds of failure, each with its own remedy."""

    NO_DEVICE = "no_device"
    NO_LIBRARY = "no_library"
    NO_PERMISSION = "no_permission"
    IN_USE = "in_use"
    RUNTIME_MISFIT = "runtime_misfit"
    NOT_COMPILED = "not_compiled"
    COMPILED_TOO_NEW = "compiled_too_new"
    WRONG_ANSWERS = "wrong_answers"
    SLOW = "slow"
    HUNG = "hung"
    ENDED = "ended"
    REFUSED = "refused"

    @property
    def remedy(self) -> str:
        """What a technician should do, in a sentence or two."""
        return REMEDIES[self]


REMEDIES: dict[FailureKind, str] = {
    FailureKind.NO_DEVICE: "Plug the Edge TPU into a USB 3 port. If it is plugged in, check with `lsusb` or `lspci` "
    "whether the computer sees it.",
    FailureKind.NO_LIBRARY: "Install a libedgetpu (Debian package libedgetpu1-std) that works with the TFLite runtime; "
    "the table in systemd/README.md shows which versions do.",
    FailureKind.NO_PERMISSION: "Install systemd/udev/60-leapfrog-edge-tpu.rules, add the user that runs Leapfrog to "
    "the group plugdev (USB) or apex (PCIe), and plug the device in again.",
    FailureKind.IN_USE: "Stop the other program that has the device open (Frigate, a container, a second Leapfrog): "
    "only one process can use a device at a time.",
    FailureKind.RUNTIME_MISFIT: "Install a libedgetpu that was built for the engine host's TFLite runtime, or set "
    "engine.python to an interpreter whose runtime matches; see the table in systemd/README.md.",
    FailureKind.NOT_COMPILED: "Compile the model packages for the Edge TPU (`leapfrog-train compile`) and install them "
    "with `leapfrog models install`.",
    FailureKind.COMPILED_TOO_NEW: "Update libedgetpu, or compile the package again with "
    "`leapfrog-train compile --min-runtime-version 13`.",
    FailureKind.WRONG_ANSWERS: "Plug the device in again with another cable. If it still gives wrong answers, it is "
    "broken: replace it.",
    FailureKind.SLOW: "Let the device cool down: keep it away from heat and out of closed cases. Use a USB 3 port.",
    FailureKind.HUNG: "Unplug the device for ten seconds. If it hangs again, try another cable and another port, "
    "best on a powered USB hub.",
    FailureKind.ENDED: "Try another cable and another USB port, best on a powered hub: the driver gives up when the "
    "connection breaks.",
    FailureKind.REFUSED: "Unplug the device for ten seconds, plug it in again, and run `leapfrog doctor`.",
}


class DeviceFailure(Frozen):
    """A failure, with what was observed in words that contain no patient data."""

    kind: FailureKind
    detail: str

    @property
    def remedy(self) -> str:
        """What a technician should do."""
        return self.kind.remedy


class PackageProof(Frozen):
    """How long one compiled model took on the device and on the processor, in milliseconds."""

    package: str
    first_ms: float
    median_ms: float
    cpu_ms: float


class DeviceProof(Frozen):
    """The result of a proof. Without a failure the device may be used."""

    device: str
    runtime: str = ""
    packages: tuple[PackageProof, ...] = ()
    failure: DeviceFailure | None = None


def explain_refusal(message: str) -> DeviceFailure:
    """The failure when the engine host is alive and answers, in `message`, that it cannot load or run a model."""
    if newer := NEWER_RUNTIME.search(message):
        return DeviceFailure(
            kind=FailureKind.COMPILED_TOO_NEW,
            detail=f"The model needs Edge TPU runtime {newer[1]}, but this libedgetpu has {newer[2]}.",
        )
    if NO_SHARED_OBJECT in message:
        return DeviceFailure(kind=FailureKind.NO_LIBRARY, detail="libedgetpu cannot be loaded.")
    return DeviceFailure(kind=FailureKind.REFUSED, detail=message[:300])


def explain_end(step: ProofStep, signal_number: int | None) -> DeviceFailure:
    """The failure when the engine host ended during `step`, killed by `signal_number` if that is not None."""
    if step in ("starting", "loading") and signal_number == signal.SIGSEGV:
        return DeviceFailure(
            kind=FailureKind.RUNTIME_MISFIT,
            detail="The engine host crashed (segmentation fault) while it built the interpreter: libedgetpu and the "
            "TFLite runtime do not work together.",
        )
    how = f"signal {signal_number}" if signal_number else "no reason given"
    return DeviceFailure(kind=FailureKind.ENDED, detail=f"The engine host ended while {step} a model ({how}).")


def explain_refused_delegate(
    message: str, *, present: bool, may_be_opened: Callable[[], bool], is_open_elsewhere: Callable[[], bool]
) -> DeviceFailure:
    """The failure when libedgetpu refuses to create a delegate. It never says why, so look at the device itself."""
    if DELEGATE_REFUSED not in message:
        return explain_refusal(message)
    if not present:
        return DeviceFailure(kind=FailureKind.NO_DEVICE, detail="No Edge TPU is connected.")
    if not may_be_opened():
        return DeviceFailure(kind=FailureKind.NO_PERMISSION, detail="This user has no permission to open the device.")
    if is_open_elsewhere():
        return DeviceFailure(kind=FailureKind.IN_USE, detail="Another process has the device open.")
    return DeviceFailure(kind=FailureKind.REFUSED, detail="libedgetpu cannot open the device and gives no reason.")
