"""Under a real systemd: one command sets a box up and starts it, and a bundle has systemd start it again."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import leapfrog
from leapfrog.control.control_socket import ask_daemon
from leapfrog.errors import DaemonNotRunning
from support.bundles import BundlingDistrict
from support.systemd_machine import SystemdMachine, why_not
from support.waiting import wait_until

pytestmark = pytest.mark.root

COMMON = """\
[station]
language = "sw"
[report]
quiet_seconds = 1
[engine]
device = "cpu"
[retention]
min_free_bytes = 0
[district]
url = "http://127.0.0.1:9/dicom-web"
public_key = "{key}"
[fleet]
bundle_trial_minutes = 0.02
"""
SITE = """\
[install]
[[install.file]]
from = "client.key"
to = "/etc/leapfrog/secrets/client.key"
secret = true
[station]
name = "{name}"
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdMachine]:
    if reason := why_not():
        pytest.skip(reason)
    with SystemdMachine(tmp_path_factory.mktemp("machine"), "") as booted:
        booted.systemctl("stop", "leapfrog")
        booted.run("rm", "-rf", "/etc/leapfrog/leapfrog.toml", "/var/lib/leapfrog")
        yield booted


@pytest.fixture(scope="module")
def district(machine: SystemdMachine) -> BundlingDistrict:
    return BundlingDistrict(machine.directory / "district")


def leapfrog_as_root(machine: SystemdMachine, *arguments: str) -> subprocess.CompletedProcess[str]:
    source = Path(leapfrog.__file__).resolve().parents[1]
    return machine.run("env", f"PYTHONPATH={source}", sys.executable, "-m", "leapfrog", *arguments)


def status(machine: SystemdMachine) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = ask_daemon(machine.path("/var/lib/leapfrog"), "status")
    except DaemonNotRunning:
        return {"listening": False, "bundle": {"number": None, "on_trial": True}}
    return answer


def install(machine: SystemdMachine, name: str) -> str:
    (machine.directory / "stick/kitui.toml").write_text(SITE.format(name=name))
    done = leapfrog_as_root(machine, "install", "--from", str(machine.directory / "stick/kitui.toml"), "--start")
    assert done.returncode == 0, done.stdout + done.stderr + machine.log()[-2000:]
    return done.stdout


def test_one_command_sets_the_box_up_and_starts_it(machine: SystemdMachine, district: BundlingDistrict) -> None:
    stick = machine.directory / "stick"
    stick.mkdir()
    (stick / "client.key").write_text("secret\n")
    (stick / "common.toml").write_text(COMMON.format(key=district.key.public))
    install(machine, "Kitui")
    assert status(machine)["station"] == "Kitui"
    owner = machine.run("stat", "-c", "%U:%G %a", "/etc/leapfrog/secrets/client.key").stdout.strip()
    assert owner == "root:leapfrog 640"
    daemon = machine.show("MainPID")
    assert "Nothing has changed" in install(machine, "Kitui")
    assert machine.show("MainPID") == daemon
    install(machine, "Kitui Hospital")
    assert status(machine)["station"] == "Kitui Hospital"
    assert machine.show("MainPID") != daemon


def test_a_bundle_from_root_is_tried_by_the_service_and_systemd_starts_it(
    machine: SystemdMachine, district: BundlingDistrict
) -> None:
    before, daemon = machine.show("NRestarts"), machine.show("MainPID")
    bundle = district.bundle(7)
    done = leapfrog_as_root(machine, "import", str(bundle))
    assert done.returncode == 0, done.stdout + done.stderr

    def settled() -> bool:
        seen = status(machine)
        return bool(seen["listening"]) and seen["bundle"]["number"] == 7 and not seen["bundle"]["on_trial"]

    wait_until(settled, "the box keeps the bundle", deadline_seconds=60, poll_seconds=0.2)
    assert int(machine.show("NRestarts")) == int(before) + 1
    assert machine.show("MainPID") != daemon
    owners = machine.run("find", "/var/lib/leapfrog/bundles", "!", "-user", "leapfrog").stdout
    assert owners == ""
    assert "report.page_size" in leapfrog_as_root(machine, "config", "check").stdout
