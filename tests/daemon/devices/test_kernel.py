"""Which Edge TPUs the kernel shows, by umockdev's devices."""

import subprocess
import sys
from pathlib import Path

from support.mock_devices import USB_KNOWN, USB_NEW, apex, usb, with_devices

SHOW = """
from leapfrog.devices.kernel import kernel_devices
for one in kernel_devices():
    print(one.title, one.node, one.has_firmware, one.is_slow_usb, one.celsius, one.is_dead, one.may_be_opened)
"""


def seen(folder: Path, *devices: str) -> list[str]:
    shown = subprocess.run(
        [*with_devices(folder, *devices), sys.executable, "-c", SHOW], capture_output=True, text=True, check=True
    )
    return shown.stdout.splitlines()


def test_without_a_device_there_is_none(tmp_path: Path) -> None:
    assert seen(tmp_path, usb(("046d", "c52b"))) == []


def test_usb_is_known_before_and_after_its_firmware_and_pcie_by_its_temperature(tmp_path: Path) -> None:
    devices = (usb(USB_NEW), usb(USB_KNOWN, speed=480, number=6), apex(), apex(-89_700, number=1))
    assert seen(tmp_path, *devices) == [
        "USB 2-5 /dev/bus/usb/002/005 False False None False True",
        "USB 2-6 /dev/bus/usb/002/006 True True None False True",
        "PCIe apex_0 /dev/apex_0 True False 48.05 False True",
        "PCIe apex_1 /dev/apex_1 True False None True True",
    ]
