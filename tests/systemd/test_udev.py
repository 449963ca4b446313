"""The udev rules, applied by Debian's own udevadm to devices that umockdev makes up."""

import grp
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.mock_devices import USB_KNOWN, USB_NEW, apex, usb, with_devices

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "systemd" / "udev" / "60-leapfrog-edge-tpu.rules"
APEX_GROUP_ID = 64_000
USB_PATH = "/sys/devices/pci0000:00/0000:00:14.0/usb2/2-5"
APEX_PATH = "/sys/devices/pci0000:00/0000:01:00.0/apex/apex_0"

# Runs in a separate mount namespace, so that the machine's own rules and groups are not changed.
APPLY = """
set -e
mount -t tmpfs none /run/udev && mkdir /run/udev/rules.d && cp "$1" /run/udev/rules.d/
mount --bind "$2" /etc/group
shift 2
SYSTEMD_LOG_LEVEL=debug "$@" 2>&1
"""


def applied(folder: Path, device: str, path: str) -> dict[str, str]:
    """What the rules set for the device: GROUP and MODE."""
    groups = folder / "group"
    others = [line for line in Path("/etc/group").read_text().splitlines() if not line.startswith("apex:")]
    groups.write_text("\n".join([*others, f"apex:x:{APEX_GROUP_ID}:\n"]))
    Path("/run/udev").mkdir(exist_ok=True)
    test = [*with_devices(folder, device), "udevadm", "test", "--action=add", path]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", APPLY, "apply", str(RULES), str(groups), *test],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(re.findall(rf"{RULES.name}:\d+ (GROUP|MODE) (\d+)", done.stdout))


@pytest.fixture(autouse=True)
def _udevadm_and_root() -> None:
    if shutil.which("udevadm") is None:
        pytest.skip("udevadm is not installed")
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("a mount namespace needs root")


@pytest.mark.root
@pytest.mark.parametrize("ids", [USB_NEW, USB_KNOWN])
def test_a_device_on_usb_belongs_to_plugdev_before_and_after_its_firmware(tmp_path: Path, ids: tuple[str, str]) -> None:
    set_by_rules = applied(tmp_path, usb(ids), USB_PATH)
    assert set_by_rules == {"GROUP": str(grp.getgrnam("plugdev").gr_gid), "MODE": "0660"}


@pytest.mark.root
def test_a_device_on_pcie_belongs_to_apex(tmp_path: Path) -> None:
    assert applied(tmp_path, apex(), APEX_PATH) == {"GROUP": str(APEX_GROUP_ID), "MODE": "0660"}


@pytest.mark.root
def test_other_devices_are_left_alone(tmp_path: Path) -> None:
    assert applied(tmp_path, usb(("046d", "c52b")), USB_PATH) == {}
