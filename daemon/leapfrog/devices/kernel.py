"""The Edge TPUs that the kernel shows under /sys, with speed, permission and temperature, before anyone opens one."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# USB ids: until the device is first opened, and after its firmware has been loaded.
USB_BEFORE_FIRMWARE = ("1a6e", "089a")
USB_AFTER_FIRMWARE = ("18d1", "9302")
SUPER_SPEED = 5000  # megabit per second; USB 2 has 480

APEX_DEAD = -89_700  # thousandths of a degree; the temperature shown for a chip that does not respond

Bus = Literal["usb", "pci"]


@dataclass(frozen=True)
class KernelDevice:
    """An Edge TPU as the kernel shows it. `node` is its file under /dev. `speed` is in Mbit/s, for USB only; 0 when
    unknown. `celsius` is for PCIe only. `has_firmware` is false for a USB device that nobody has opened yet.
    """

    bus: Bus
    path: Path
    node: Path
    has_firmware: bool = True
    speed: int = 0
    celsius: float | None = None
    is_dead: bool = False

    @property
    def may_be_opened(self) -> bool:
        """Whether this process may read and write the device's file."""
        return os.access(self.node, os.R_OK | os.W_OK)

    @property
    def is_slow_usb(self) -> bool:
        """Whether it is connected by USB 2, where model parameters take ten times as long to load."""
        return self.bus == "usb" and 0 < self.speed < SUPER_SPEED

    @property
    def title(self) -> str:
        """Its name for staff and technicians."""
        return f"USB {self.path.name}" if self.bus == "usb" else f"PCIe {self.path.name}"


def kernel_devices(root: Path = Path("/")) -> tuple[KernelDevice, ...]:
    """Every Edge TPU that the kernel knows, USB first. `root` is the folder that holds /sys and /dev."""
    return (*_usb_devices(root), *_apex_devices(root))


def kernel_device(path: str) -> KernelDevice | None:
    """The kernel's view of the device that the library lists at `path`: a folder under /sys or a file under /dev."""
    name = Path(path).name
    return next((device for device in kernel_devices() if name in (device.path.name, device.node.name)), None)


def is_open_elsewhere(node: Path) -> bool:
    """Whether a process has the device's file open, as far as this user may see."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == node:
                return True
        except OSError:
            continue
    return False


def _usb_devices(root: Path) -> Iterable[KernelDevice]:
    for folder in sorted((root / "sys/bus/usb/devices").glob("*")):
        ids = (_read(folder / "idVendor"), _read(folder / "idProduct"))
        if ids in (USB_BEFORE_FIRMWARE, USB_AFTER_FIRMWARE):
            bus, number = _number(folder / "busnum"), _number(folder / "devnum")
            yield KernelDevice(
                "usb",
                folder,
                root / f"dev/bus/usb/{bus:03}/{number:03}",
                has_firmware=ids == USB_AFTER_FIRMWARE,
                speed=_number(folder / "speed"),
            )


def _apex_devices(root: Path) -> Iterable[KernelDevice]:
    for folder in sorted((root / "sys/class/apex").glob("apex_*")):
        thousandths = _number(folder / "temp")
        is_dead = thousandths <= APEX_DEAD
        yield KernelDevice(
            "pci",
            folder,
            root / "dev" / folder.name,
            celsius=None if is_dead or not thousandths else thousandths / 1000,
            is_dead=is_dead,
        )


def _read(path: Path) -> str:
    """The line in a kernel file; "" when it cannot be read, as when the device was just unplugged."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    try:
        return int(float(_read(path)))
    except ValueError:
        return 0
