"""A zip file for support, with nothing about patients, people or places."""

import json
import platform
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

from leapfrog import __version__
from leapfrog.commands.doctor.check import Check
from leapfrog.devices.kernel import KernelDevice, kernel_devices
from leapfrog.errors import StorageError
from leapfrog.packages.catalogue import packages_in_use
from leapfrog.settings import Settings

BUNDLE_KEPT_SETTINGS = ("engine", "models", "report", "retention")  # the others may name people and places
NAMES_AND_ADDRESSES = re.compile(
    r'(?<=")[^"]+(?=")|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,}'
)
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


def write_bundle(path: Path, settings: Settings, checks: tuple[Check, ...], status: dict[str, Any]) -> None:
    """Write a zip file with everything that support needs, but no patient data, addresses or passwords. `status` is
    what a running daemon reports, or empty.

    Raises StorageError when the file cannot be written.
    """
    packages = packages_in_use(settings)
    content: dict[str, Any] = {
        "doctor.json": {"checks": [_nameless(check.model_dump()) for check in checks]},
        "settings.json": settings.model_dump(mode="json", include=set(BUNDLE_KEPT_SETTINGS)),
        "status.json": _nameless({key: status[key] for key in BUNDLE_KEPT_STATUS if key in status}),
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


def _nameless(value: Any) -> Any:
    """The same without addresses of machines and what they call themselves, which stands in quotation marks."""
    if isinstance(value, dict):
        return {key: _nameless(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_nameless(one) for one in value]
    return NAMES_AND_ADDRESSES.sub("...", value) if isinstance(value, str) else value


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
