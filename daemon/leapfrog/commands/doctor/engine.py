"""The engine: the interpreter and runtime that run models, libedgetpu, and the Edge TPUs."""

from collections.abc import Iterator
from typing import Any

from leapfrog.commands.doctor.check import Check, CheckStatus, absent, ok, wrong
from leapfrog.devices.kernel import KernelDevice, kernel_devices
from leapfrog.devices.library import Inventory, take_inventory
from leapfrog.devices.proof import prove
from leapfrog.errors import EngineError, LibraryFailed
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.processes.device_failures import DeviceProof, FailureKind
from leapfrog.settings import Settings

HOT_CELSIUS = 85.0  # at this temperature the chip slows itself down
STATUS_OF_DEVICE: dict[str, CheckStatus] = {  # by the state that the daemon reports
    "in use": "ok",
    "proven": "ok",
    "being proven": "absent",
    "gone": "absent",
    "resting": "problem",
}


def engine_checks(settings: Settings, status: dict[str, Any] | None, *, may_open_devices: bool) -> list[Check]:
    """Engine, library and devices. `status` is what a running daemon reports, None without one.

    While a daemon is running, or may be, its devices are left alone: opening one again would end its engine host.
    """
    checks: list[Check] = []
    devices = kernel_devices()
    inventory = _inventory(settings.engine.interpreter)
    if isinstance(inventory, Check):
        checks.append(inventory)
    else:
        checks += [_engine_check(inventory, settings.engine.interpreter), _pycoral_check(inventory)]
        checks += [_library_check(inventory, devices)]
    checks += [_kernel_check(device) for device in devices] or [_no_device_check(settings)]
    if status is not None:
        checks += _daemon_device_checks(status)
    elif isinstance(inventory, Inventory) and may_open_devices:
        checks += _proof_checks(settings, inventory)
    return checks


def _inventory(python: str) -> Inventory | Check:
    """What the interpreter and the library report, or the problem that prevents it."""
    try:
        return take_inventory(python)
    except LibraryFailed as problem:
        remedy = f"Unplug the Edge TPU for ten seconds. If that does not help: {FailureKind.NO_LIBRARY.remedy}"
        return wrong("libedgetpu", str(problem), remedy)
    except EngineError as problem:
        return wrong("engine", str(problem), "Correct engine.python in the settings file.")


def _engine_check(inventory: Inventory, python: str) -> Check:
    if not inventory.runtime:
        detail = f"{python} (Python {inventory.python}) has no TFLite runtime."
        remedy = "Install ai-edge-litert or tflite-runtime there, or set engine.python to another interpreter."
        return wrong("engine", detail, remedy)
    return ok("engine", f"{inventory.runtime} {inventory.runtime_version} on Python {inventory.python} ({python})")


def _pycoral_check(inventory: Inventory) -> Check:
    if inventory.pycoral == "impostor":
        detail = "The pycoral installed here is not Google's: PyPI has an unrelated package of that name."
        return wrong("pycoral", detail, "Remove it: pip uninstall pycoral")
    if inventory.pycoral == "genuine":
        return ok("pycoral", "Google's pycoral is installed, and lists the devices.")
    return absent("pycoral", "Not installed, and not needed.")


def _library_check(inventory: Inventory, devices: tuple[KernelDevice, ...]) -> Check:
    if not inventory.problem:
        return ok("libedgetpu", inventory.library_version)
    if devices:
        return wrong("libedgetpu", inventory.problem, FailureKind.NO_LIBRARY.remedy)
    return absent("libedgetpu", inventory.problem)


def _no_device_check(settings: Settings) -> Check:
    if settings.engine.device == "edgetpu":
        detail = "The kernel sees none, but engine.device requires one."
        return wrong("Edge TPU", detail, FailureKind.NO_DEVICE.remedy)
    return absent("Edge TPU", "The kernel sees none. Models run on the processor.")


def _kernel_check(device: KernelDevice) -> Check:
    name = f"Edge TPU {device.title}"
    if device.is_dead:
        remedy = "Switch the computer off and on again. If the chip still does not answer, replace the module."
        return wrong(name, "The chip does not answer.", remedy)
    if not device.may_be_opened:
        return wrong(name, f"This user may not open {device.node}.", FailureKind.NO_PERMISSION.remedy)
    if device.celsius is not None and device.celsius >= HOT_CELSIUS:
        detail = f"The chip is at {device.celsius:.0f} °C and is slowing itself down."
        return wrong(name, detail, FailureKind.SLOW.remedy)
    if device.is_slow_usb:
        detail = (
            f"It is connected over USB 2 ({device.speed} Mbit/s): models too large for the chip take ten times as long."
        )
        return wrong(name, detail, "Use a USB 3 port (blue) and the cable that came with the device.")
    condition = f"{device.celsius:.0f} °C" if device.celsius is not None else f"{device.speed or 'unknown'} Mbit/s"
    unopened = "" if device.has_firmware else ", not opened since it was plugged in"
    return ok(name, f"{device.node}, {condition}{unopened}")


def _daemon_device_checks(status: dict[str, Any]) -> Iterator[Check]:
    for device in status["edge_tpus"]:
        yield Check(
            name=f"proof {device['path']}",
            status=STATUS_OF_DEVICE[device["state"]],
            detail=f"The daemon reports: {device['state']}. {device['detail']}".strip(),
            remedy=device["remedy"],
        )


def _proof_checks(settings: Settings, inventory: Inventory) -> Iterator[Check]:
    setup = reader_setup(settings.engine, settings.models, settings.state_dir)
    for device, name in zip(inventory.devices, inventory.names, strict=True):
        proof = prove(settings.engine.interpreter, setup, name, device.path)
        yield _proof_check(f"proof {name}", proof)


def _proof_check(name: str, proof: DeviceProof) -> Check:
    if proof.failure is not None:
        return wrong(name, proof.failure.detail, proof.failure.remedy)
    timings = "; ".join(
        f"{package.package} {package.median_ms:.1f} ms (CPU {package.cpu_ms:.1f} ms)" for package in proof.packages
    )
    return ok(name, f"Its answers match the processor's: {timings}.")
