"""The unit that `leapfrog install` writes: systemd accepts it, it is well restricted, and Edge TPUs stay usable."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from leapfrog.commands.install import install

UNIT = "etc/systemd/system/leapfrog.service"
WORST_EXPOSURE = 1.5  # of 10; hostnamed has 1.5, chrony 3.7, Orthanc 9.2. What is left is network, USB and processes.

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    install(root)
    return root


@pytest.fixture(scope="module")
def service(root: Path) -> dict[str, list[str]]:
    """The settings in [Service], each with all its values."""
    values: dict[str, list[str]] = {}
    section = (root / UNIT).read_text().split("[Service]")[1].split("[Install]")[0]
    for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", section, flags=re.MULTILINE):
        values.setdefault(key, []).append(value)
    return values


@needs_systemd
def test_systemd_has_no_complaints_about_the_unit(root: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(root / UNIT)], capture_output=True, text=True, check=False
    )
    # Complaints about other units of this machine do not matter.
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "leapfrog" in line]
    assert complaints == []


@needs_systemd
def test_the_unit_is_restricted_as_well_as_systemd_s_own(root: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(root / UNIT)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    overall = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert overall is not None
    assert float(overall[1]) <= WORST_EXPOSURE


def test_an_edge_tpu_on_usb_or_pcie_may_be_opened(service: dict[str, list[str]]) -> None:
    assert service["PrivateDevices"] == ["no"]
    assert service["DeviceAllow"] == ["char-usb_device rw", "char-apex rw"]  # any number of each
    assert "AF_NETLINK" in service["RestrictAddressFamilies"][0].split()


def test_it_is_restarted_however_often_it_fails(root: Path, service: dict[str, list[str]]) -> None:
    assert service["Restart"] == ["always"]
    assert "\nStartLimitIntervalSec=0\n" in (root / UNIT).read_text().split("[Service]")[0]


def test_a_reader_that_runs_out_of_memory_does_not_end_the_box(service: dict[str, list[str]]) -> None:
    assert service["OOMPolicy"] == ["continue"]


def test_only_the_main_process_gets_sigterm(service: dict[str, list[str]]) -> None:
    assert service["KillMode"] == ["mixed"]


@pytest.mark.parametrize("program", ["systemd-sysusers", "systemd-tmpfiles"])
def test_the_user_and_the_folders_can_be_created(root: Path, tmp_path: Path, program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    image = tmp_path / "image"
    shutil.copytree(root, image)
    verb = ["--create"] if program == "systemd-tmpfiles" else []
    (image / "etc/group").write_text("root:x:0:\nleapfrog:x:990:\n")
    (image / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    done = subprocess.run(
        [program, f"--root={image}", *verb, "leapfrog.conf"], capture_output=True, text=True, check=False
    )
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("only root can change the owner of folders")
    assert done.returncode == 0, done.stderr
    if program == "systemd-sysusers":
        assert "leapfrog:" in (image / "etc/passwd").read_text()
        members = {line.split(":")[0]: line.split(":")[-1] for line in (image / "etc/group").read_text().splitlines()}
        assert members["plugdev"] == members["apex"] == "leapfrog"
    else:
        assert (image / "etc/leapfrog/secrets").stat().st_mode & 0o777 == 0o750


def test_the_device_rules_cover_both_usb_ids_and_pcie(root: Path) -> None:
    rules = (root / "etc/udev/rules.d/60-leapfrog-edge-tpu.rules").read_text()
    assert all(part in rules for part in ('"1a6e"', '"089a"', '"18d1"', '"9302"', 'SUBSYSTEM=="apex"'))
