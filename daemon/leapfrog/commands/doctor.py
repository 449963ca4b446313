"""`leapfrog doctor`: checks engine, Edge TPUs, models and disk, and says what to do about each problem."""

import json
import platform
import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leapfrog import __version__
from leapfrog.control.commands import daemon_status
from leapfrog.devices.kernel import KernelDevice, kernel_devices
from leapfrog.devices.library import Inventory, take_inventory
from leapfrog.devices.proof import prove
from leapfrog.errors import EngineError, LeapfrogError, LibraryFailed, StorageError
from leapfrog.exam import Frozen
from leapfrog.lanes.reader_setup import reader_setup
from leapfrog.packages.catalogue import Catalogue, packages_in_use
from leapfrog.packages.package import ModelPackage
from leapfrog.processes.device_failures import DeviceProof, FailureKind
from leapfrog.settings import Settings

HOT_CELSIUS = 85.0  # at this temperature the chip slows itself down
BUNDLE_KEPT_SETTINGS = ("engine", "models", "report", "retention")  # the others may name people and places
BUNDLE_KEPT_STATUS = (
    "version",
    "listening",
    "device",
    "edge_tpus",
    "instances",
    "deliveries",
    "free_bytes",
    "attention",
)

CheckStatus = Literal["ok", "problem", "absent"]
STATUS_WORDS: dict[CheckStatus, str] = {"ok": "OK", "problem": "PROBLEM", "absent": "-"}
STATUS_OF_DEVICE: dict[str, CheckStatus] = {  # by the state that the daemon reports
    "in use": "ok",
    "proven": "ok",
    "being proven": "absent",
    "gone": "absent",
    "resting": "problem",
}


class Check(Frozen):
    """The result of one check."""

    name: str
    status: CheckStatus
    detail: str
    remedy: str = ""

    def lines(self) -> Iterator[str]:
        """The check for a person to read."""
        yield f"{STATUS_WORDS[self.status]:8}{self.name}: {self.detail}"
        if self.remedy:
            yield f"        -> {self.remedy}"


def _ok(name: str, detail: str) -> Check:
    return Check(name=name, status="ok", detail=detail)


def _problem(name: str, detail: str, remedy: str) -> Check:
    return Check(name=name, status="problem", detail=detail, remedy=remedy)


def _absent(name: str, detail: str, remedy: str = "") -> Check:
    return Check(name=name, status="absent", detail=detail, remedy=remedy)


@dataclass(frozen=True)
class _Daemon:
    """`status` is what a running daemon reports, None without one. `no_answer`: why one that may run did not tell."""

    status: dict[str, Any] | None = None
    no_answer: str = ""


def examine(settings: Settings) -> tuple[Check, ...]:
    """Run every check, each after those that it depends on.

    While a daemon is running, or may be, its devices are left alone: opening one again would end its engine host.
    """
    daemon = _daemon(settings)
    devices = kernel_devices()
    checks = [_daemon_check(daemon)]
    inventory = _inventory(settings.engine.interpreter)
    if isinstance(inventory, Check):
        checks.append(inventory)
    else:
        checks += [_engine_check(inventory, settings.engine.interpreter), _pycoral_check(inventory)]
        checks += [_library_check(inventory, devices)]
    checks += [_kernel_check(device) for device in devices] or [_no_device_check(settings)]
    if daemon.status is not None:
        checks += _daemon_device_checks(daemon.status)
    elif isinstance(inventory, Inventory) and not daemon.no_answer:
        checks += _proof_checks(settings, inventory)
    has_devices = bool(devices) or any(check.name.startswith("proof") for check in checks)
    return (*checks, *_model_checks(packages_in_use(settings), has_devices), _disk_check(settings))


def write_bundle(path: Path, settings: Settings, checks: tuple[Check, ...]) -> None:
    """Write a zip file with everything that support needs, but no patient data, addresses or passwords.

    Raises StorageError when the file cannot be written.
    """
    status = _daemon(settings).status or {}
    packages = packages_in_use(settings)
    content: dict[str, Any] = {
        "doctor.json": {"checks": [check.model_dump() for check in checks]},
        "settings.json": settings.model_dump(mode="json", include=set(BUNDLE_KEPT_SETTINGS)),
        "status.json": {key: status[key] for key in BUNDLE_KEPT_STATUS if key in status},
        "models.json": packages.listing(),
        "machine.json": {
            "leapfrog": __version__,
            "python": sys.version,
            "machine": platform.machine(),
            "system": platform.platform(),
            "edge_tpus": [_device_json(device) for device in kernel_devices()],
        },
    }
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, value in content.items():
                bundle.writestr(name, json.dumps(value, indent=2, ensure_ascii=False))
    except OSError as problem:
        raise StorageError(f"{path} cannot be written: {problem.strerror}.") from problem


def _daemon(settings: Settings) -> _Daemon:
    try:
        return _Daemon(status=daemon_status(settings))
    except LeapfrogError as problem:
        return _Daemon(no_answer=str(problem))


def _daemon_check(daemon: _Daemon) -> Check:
    if daemon.no_answer:
        return _problem("daemon", daemon.no_answer, "Its Edge TPUs are not tested until it answers.")
    if daemon.status is None:
        return _absent("daemon", "No daemon is running.", "Start it with `leapfrog run` or `systemctl start leapfrog`.")
    detail = f"Running. It reads images on: {daemon.status['device']}."
    if attention := daemon.status["attention"]:
        return _problem("daemon", detail, " ".join(attention))
    return _ok("daemon", detail)


def _inventory(python: str) -> Inventory | Check:
    """What the interpreter and the library report, or the problem that prevents it."""
    try:
        return take_inventory(python)
    except LibraryFailed as problem:
        remedy = f"Unplug the Edge TPU for ten seconds. If that does not help: {FailureKind.NO_LIBRARY.remedy}"
        return _problem("libedgetpu", str(problem), remedy)
    except EngineError as problem:
        return _problem("engine", str(problem), "Correct engine.python in the settings file.")


def _engine_check(inventory: Inventory, python: str) -> Check:
    if not inventory.runtime:
        detail = f"{python} (Python {inventory.python}) has no TFLite runtime."
        remedy = "Install ai-edge-litert or tflite-runtime there, or set engine.python to another interpreter."
        return _problem("engine", detail, remedy)
    return _ok("engine", f"{inventory.runtime} {inventory.runtime_version} on Python {inventory.python} ({python})")


def _pycoral_check(inventory: Inventory) -> Check:
    if inventory.pycoral == "impostor":
        detail = "The pycoral installed here is not Google's: PyPI has an unrelated package of that name."
        return _problem("pycoral", detail, "Remove it: pip uninstall pycoral")
    if inventory.pycoral == "genuine":
        return _ok("pycoral", "Google's pycoral is installed, and lists the devices.")
    return _absent("pycoral", "Not installed, and not needed.")


def _library_check(inventory: Inventory, devices: tuple[KernelDevice, ...]) -> Check:
    if not inventory.problem:
        return _ok("libedgetpu", inventory.library_version)
    if devices:
        return _problem("libedgetpu", inventory.problem, FailureKind.NO_LIBRARY.remedy)
    return _absent("libedgetpu", inventory.problem)


def _no_device_check(settings: Settings) -> Check:
    if settings.engine.device == "edgetpu":
        detail = "The kernel sees none, but engine.device requires one."
        return _problem("Edge TPU", detail, FailureKind.NO_DEVICE.remedy)
    return _absent("Edge TPU", "The kernel sees none. Models run on the processor.")


def _kernel_check(device: KernelDevice) -> Check:
    name = f"Edge TPU {device.title}"
    if device.is_dead:
        remedy = "Switch the computer off and on again. If the chip still does not answer, replace the module."
        return _problem(name, "The chip does not answer.", remedy)
    if not device.may_be_opened:
        return _problem(name, f"This user may not open {device.node}.", FailureKind.NO_PERMISSION.remedy)
    if device.celsius is not None and device.celsius >= HOT_CELSIUS:
        detail = f"The chip is at {device.celsius:.0f} °C and is slowing itself down."
        return _problem(name, detail, FailureKind.SLOW.remedy)
    if device.is_slow_usb:
        detail = (
            f"It is connected over USB 2 ({device.speed} Mbit/s): models too large for the chip take ten times as long."
        )
        return _problem(name, detail, "Use a USB 3 port (blue) and the cable that came with the device.")
    condition = f"{device.celsius:.0f} °C" if device.celsius is not None else f"{device.speed or 'unknown'} Mbit/s"
    unopened = "" if device.has_firmware else ", not opened since it was plugged in"
    return _ok(name, f"{device.node}, {condition}{unopened}")


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
        return _problem(name, proof.failure.detail, proof.failure.remedy)
    timings = "; ".join(
        f"{package.package} {package.median_ms:.1f} ms (CPU {package.cpu_ms:.1f} ms)" for package in proof.packages
    )
    return _ok(name, f"Its answers match the processor's: {timings}.")


def _model_checks(catalogue: Catalogue, has_devices: bool) -> Iterator[Check]:
    for package in catalogue.packages:
        yield _model_check(package, catalogue, has_devices)
    for damaged in catalogue.damaged:
        if not damaged.superseded:
            remedy = "Get a new copy of the package and install it with `leapfrog models install`."
            yield _problem(f"model {damaged.name}", damaged.reason, remedy)


def _model_check(package: ModelPackage, catalogue: Catalogue, has_devices: bool) -> Check:
    name, signed = f"model {package.title}", f"signature: {package.signature}"
    compiled = package.manifest.edge_tpu
    if compiled is None:
        detail = f"{signed}; not compiled for the Edge TPU, so it runs on the processor"
        return _problem(name, detail, FailureKind.NOT_COMPILED.remedy) if has_devices else _ok(name, detail)
    mapped = (
        f"{compiled.operations_on_edge_tpu} operations on the Edge TPU, {compiled.operations_on_cpu} on the processor"
    )
    detail = f"{signed}; {mapped}; {compiled.streamed_bytes} bytes of parameters streamed on each run"
    if others := _not_compiled_with(package, catalogue):
        detail += f"; not compiled together with {', '.join(others)}, so they evict each other from the chip"
        remedy = "Compile these packages together: `leapfrog-train compile PACKAGE PACKAGE`."
        return _problem(name, detail, remedy)
    return _ok(name, detail)


def _not_compiled_with(package: ModelPackage, catalogue: Catalogue) -> list[str]:
    """Other compiled packages in use that may share a chip with this one, but were not compiled together with it."""
    compiled = package.manifest.edge_tpu
    partners = compiled.compiled_with if compiled else {}
    return [
        other.title
        for other in catalogue.packages
        if other is not package
        and other.edge_tpu_path is not None
        and partners.get(other.name) != other.manifest.files[other.edge_tpu_path.name]
    ]


def _disk_check(settings: Settings) -> Check:
    try:
        free = shutil.disk_usage(settings.state_dir).free
    except OSError as problem:
        detail = f"{settings.state_dir}: {problem.strerror}"
        return _absent("disk", detail, "Run `leapfrog install`, then start the daemon.")
    detail = f"{free / 1e9:.1f} GB free at {settings.state_dir}"
    if free < settings.retention.min_free_bytes:
        return _problem("disk", detail, "Free some space: new images are being refused.")
    return _ok("disk", detail)


def _device_json(device: KernelDevice) -> dict[str, Any]:
    return {
        "bus": device.bus,
        "path": str(device.path),
        "node": str(device.node),
        "has_firmware": device.has_firmware,
        "speed": device.speed,
        "celsius": device.celsius,
        "may_be_opened": device.may_be_opened,
    }
