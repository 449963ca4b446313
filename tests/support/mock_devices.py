"""Edge TPUs that the kernel seems to have: /sys and /dev as umockdev shows them to a process and its children."""

import shutil
from pathlib import Path

import pytest

USB_NEW = ("1a6e", "089a")
USB_KNOWN = ("18d1", "9302")


def usb(ids: tuple[str, str], *, speed: int = 5000, number: int = 5) -> str:
    """A USB device as umockdev wants it described; `number` also makes its port and its node."""
    return f"""P: /devices/pci0000:00/0000:00:14.0/usb2/2-{number}
N: bus/usb/002/{number:03}
E: SUBSYSTEM=usb
E: DEVTYPE=usb_device
E: DEVNAME=/dev/bus/usb/002/{number:03}
E: MAJOR=189
E: MINOR={127 + number}
A: idVendor={ids[0]}\\n
A: idProduct={ids[1]}\\n
A: speed={speed}\\n
A: busnum=2\\n
A: devnum={number}\\n
"""


def apex(temp: int = 48_050, number: int = 0) -> str:
    """A device on PCIe; `temp` in thousandths of a degree."""
    return f"""P: /devices/pci0000:00/0000:01:00.{number}/apex/apex_{number}
N: apex_{number}
E: SUBSYSTEM=apex
E: DEVNAME=/dev/apex_{number}
E: MAJOR=120
E: MINOR={number}
A: temp={temp}\\n
"""


def with_devices(folder: Path, *devices: str) -> list[str]:
    """What to put before a command so that it sees these devices and no others; skips where umockdev is missing."""
    if shutil.which("umockdev-run") is None:
        pytest.skip("umockdev is not installed")
    description = folder / "devices.umockdev"
    description.write_text("\n".join(devices))
    return ["umockdev-run", "-d", str(description), "--"]
