"""What a proof says of an Edge TPU: what it took, or why it does not serve, with what to do."""

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
    """The kinds of failure that have a remedy of their own."""

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
    FailureKind.NO_DEVICE: "Plug the Edge TPU in, into a USB 3 port, or look at `lsusb` and `lspci` whether the "
    "computer sees it at all.",
    FailureKind.NO_LIBRARY: "Install libedgetpu (Debian package libedgetpu1-std) of a version that fits the runtime; "
    "the table in systemd/README.md says which.",
    FailureKind.NO_PERMISSION: "Install systemd/udev/60-leapfrog-edge-tpu.rules, make the user that runs Leapfrog a "
    "member of the group plugdev (USB) or apex (PCIe), and plug the device in again.",
    FailureKind.IN_USE: "Stop the other program that has the device open (Frigate, a container, a second Leapfrog): "
    "a device serves one process only.",
    FailureKind.RUNTIME_MISFIT: "Install a libedgetpu that was built for the runtime of the engine host, or name in "
    "engine.python an interpreter whose runtime fits; the table in systemd/README.md says which work together.",
    FailureKind.NOT_COMPILED: "Have the model packages compiled for the Edge TPU (`leapfrog-train compile`) and "
    "install them with `leapfrog models install`.",
    FailureKind.COMPILED_TOO_NEW: "Update libedgetpu, or have the package compiled with "
    "`leapfrog-train compile --min-runtime-version 13`.",
    FailureKind.WRONG_ANSWERS: "Plug the device in again with another cable. When it answers wrongly again, it is "
    "broken: replace it.",
    FailureKind.SLOW: "Let the device cool: away from heat, out of closed boxes; put it into a USB 3 port.",
    FailureKind.HUNG: "Unplug the device for ten seconds. When it hangs again, try another cable and another port, "
    "with power of its own.",
    FailureKind.ENDED: "Try another cable and another USB port, with power of its own: the driver gives up when the "
    "connection breaks.",
    FailureKind.REFUSED: "Unplug the device for ten seconds; then have `leapfrog doctor` look again.",
}


class DeviceFailure(Frozen):
    """A failure with what was seen, in words that hold no patient data."""

    kind: FailureKind
    detail: str

    @property
    def remedy(self) -> str:
        """What a technician should do."""
        return self.kind.remedy


class PackageProof(Frozen):
    """What one compiled model took on the device, and on the processor, in milliseconds."""

    package: str
    first_ms: float
    median_ms: float
    cpu_ms: float


class DeviceProof(Frozen):
    """What came of a proof; without a failure the device may be used."""

    device: str
    runtime: str = ""
    packages: tuple[PackageProof, ...] = ()
    failure: DeviceFailure | None = None


def of_refusal(said: str) -> DeviceFailure:
    """The engine host lives and says why it cannot load or run a model."""
    if newer := NEWER_RUNTIME.search(said):
        return DeviceFailure(
            kind=FailureKind.COMPILED_TOO_NEW,
            detail=f"The model needs Edge TPU runtime {newer[1]}, this libedgetpu has {newer[2]}.",
        )
    if NO_SHARED_OBJECT in said:
        return DeviceFailure(kind=FailureKind.NO_LIBRARY, detail="libedgetpu cannot be loaded.")
    return DeviceFailure(kind=FailureKind.REFUSED, detail=said[:300])


def of_end(step: ProofStep, signal_number: int | None) -> DeviceFailure:
    """The engine host ended in the midst of `step`."""
    if step in ("starting", "loading") and signal_number == signal.SIGSEGV:
        return DeviceFailure(
            kind=FailureKind.RUNTIME_MISFIT,
            detail="The engine host crashed (segmentation fault) while it built the interpreter: libedgetpu and the "
            "TFLite runtime do not fit each other.",
        )
    how = f"signal {signal_number}" if signal_number else "no word"
    return DeviceFailure(kind=FailureKind.ENDED, detail=f"The engine host ended while {step} a model ({how}).")


def of_refused_delegate(
    said: str, *, present: bool, may_be_opened: Callable[[], bool], is_open_elsewhere: Callable[[], bool]
) -> DeviceFailure:
    """libedgetpu gives no delegate and never says why: look at the device itself."""
    if DELEGATE_REFUSED not in said:
        return of_refusal(said)
    if not present:
        return DeviceFailure(kind=FailureKind.NO_DEVICE, detail="No Edge TPU is there.")
    if not may_be_opened():
        return DeviceFailure(kind=FailureKind.NO_PERMISSION, detail="This user may not open the device.")
    if is_open_elsewhere():
        return DeviceFailure(kind=FailureKind.IN_USE, detail="Another process has the device open.")
    return DeviceFailure(kind=FailureKind.REFUSED, detail="libedgetpu does not open the device and does not say why.")
