"""The unit under a real systemd: it becomes ready, restarts after a crash or a hang, and stops cleanly.

One machine is booted for all these tests, since each leaves the daemon running.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.commands.install import LAYOUT, SETTINGS
from leapfrog.control.control_socket import ask_daemon
from leapfrog.control.inspection.confinement import UNCONFINED
from support.dcmtk import LARGEST_PDU, dcmtk_program
from support.exams import chest_radiograph, write_instances
from support.systemd_machine import SystemdMachine, why_not
from support.waiting import wait_until

pytestmark = pytest.mark.root

SETTINGS_TEXT = """\
[station]
name = "Test clinic"
state_dir = "/var/lib/leapfrog"
[report]
quiet_seconds = 1
[engine]
device = "cpu"
[retention]
min_free_bytes = 0
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdMachine]:
    if reason := why_not():
        pytest.skip(reason)
    directory = tmp_path_factory.mktemp("machine")
    with SystemdMachine(directory, SETTINGS_TEXT) as booted:
        booted.wait_for_state("active")
        yield booted


@pytest.fixture(scope="module")
def images(machine: SystemdMachine) -> list[Path]:
    """Small radiographs, in a folder that the machine can read."""
    image = chest_radiograph(500, 400)
    return [made.path for made in write_instances(image, machine.directory / "images", 40, studies=8)]


def status(machine: SystemdMachine) -> dict[str, Any]:
    answer: dict[str, Any] = ask_daemon(machine.path("/var/lib/leapfrog"), "status")
    return answer


def store(machine: SystemdMachine, images: list[Path]) -> int:
    """Send from inside the machine's own network; returns how many were acknowledged."""
    done = machine.run(
        dcmtk_program("storescu"),
        "-v",
        "-nh",
        "-pdu",
        LARGEST_PDU,
        "-aec",
        "LEAPFROG",
        "127.0.0.1",
        "11112",
        *map(str, images),
    )
    return (done.stdout + done.stderr).count("Received Store Response (Success)")


def facts_of(machine: SystemdMachine, pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = machine.run("cat", f"/proc/{pid}/status").stdout.splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def wait_until_read(machine: SystemdMachine) -> dict[str, int]:
    def settled() -> dict[str, int]:
        counts: dict[str, int] = status(machine)["instances"]
        return counts if counts["received"] == 0 else {}

    return wait_until(settled, "everything was read", deadline_seconds=60, poll_seconds=0.1)


def test_the_unit_is_active_only_when_the_daemon_listens(machine: SystemdMachine) -> None:
    assert machine.show("Type") == "notify"
    assert machine.run(dcmtk_program("echoscu"), "-aec", "LEAPFROG", "127.0.0.1", "11112").returncode == 0


def test_it_runs_as_its_own_user_that_cannot_change_the_settings(machine: SystemdMachine) -> None:
    pid = machine.show("MainPID")
    facts = dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").stdout.splitlines())
    assert machine.run("id", "-nu", facts["Uid"].split()[0]).stdout.strip() == "leapfrog"
    assert int(facts["CapEff"], 16) == 0
    owners = machine.run("stat", "-c", "%U %a", "/var/lib/leapfrog", f"/{LAYOUT[SETTINGS]}").stdout.split("\n")
    assert owners[:2] == ["leapfrog 750", "root 644"]


def test_it_has_the_groups_that_may_open_an_edge_tpu(machine: SystemdMachine) -> None:
    facts = machine.run("cat", f"/proc/{machine.show('MainPID')}/status").stdout
    (groups,) = [line.split()[1:] for line in facts.splitlines() if line.startswith("Groups:")]
    for name in ("plugdev", "apex"):
        assert machine.run("getent", "group", name).stdout.split(":")[2] in groups


def test_an_image_is_read_under_all_restrictions(machine: SystemdMachine, images: list[Path]) -> None:
    before = status(machine)["instances"]["read"]
    assert store(machine, images[:2]) == 2
    assert wait_until_read(machine)["read"] == before + 2
    report = json.loads(next(machine.path("/var/lib/leapfrog/reports").glob("*/*/report.json")).read_text())
    assert report["images"][0]["model"]["name"] == "chest-findings"


def test_readers_and_engine_hosts_confine_themselves_under_the_unit_s_own_filter(machine: SystemdMachine) -> None:
    """Each has filters of its own above the unit's; and the unit lets them use Landlock, or the daemon would say so."""

    def confined() -> dict[str, dict[str, str]]:
        return {
            program: facts_of(machine, pid)
            for pid in machine.processes()
            for program in ("reader.reader", "engine/host.py")
            if program in machine.run("cat", f"/proc/{pid}/cmdline").stdout
        }

    main = facts_of(machine, int(machine.show("MainPID")))
    wait_until(lambda: len(confined()) == 2, "a reader and an engine host run", deadline_seconds=60)
    wait_until(
        lambda: all(int(facts["Seccomp_filters"]) == int(main["Seccomp_filters"]) + 1 for facts in confined().values()),
        "both are confined",
        deadline_seconds=60,
    )
    assert all((facts["Seccomp"], facts["NoNewPrivs"]) == ("2", "1") for facts in confined().values())
    assert [found["what"] for found in status(machine)["attention"] if UNCONFINED in found["what"]] == []


def test_after_kill_9_a_new_daemon_starts_and_knows_every_instance(machine: SystemdMachine) -> None:
    before, known = machine.show("MainPID"), status(machine)["instances"]
    machine.run("kill", "-KILL", before)
    wait_until(lambda: machine.show("MainPID") not in (before, "0"), "a new daemon runs")
    machine.wait_for_state("active")
    assert int(machine.show("NRestarts")) >= 1
    assert status(machine)["instances"] == known
    wait_until(lambda: int(before) not in machine.processes(), "the old daemon is gone")


def test_a_stop_in_the_middle_of_work_is_clean_and_loses_nothing(machine: SystemdMachine, images: list[Path]) -> None:
    known = sum(status(machine)["instances"].values())
    acknowledged = store(machine, images[2:])
    assert acknowledged == len(images) - 2
    started = time.monotonic()
    machine.systemctl("stop", "leapfrog.service")
    assert time.monotonic() - started < 30
    assert machine.show("Result") == "success"
    assert machine.show("ExecMainStatus") == "0"
    assert machine.processes() == []

    machine.systemctl("start", "leapfrog.service")
    counts = wait_until_read(machine)
    assert sum(counts.values()) == known + acknowledged


def test_a_daemon_that_hangs_is_killed_and_restarted(machine: SystemdMachine) -> None:
    before = machine.show("MainPID")
    machine.run("kill", "-STOP", before)
    wait_until(lambda: machine.show("MainPID") not in (before, "0"), "the watchdog bites", deadline_seconds=30)
    machine.wait_for_state("active")
    assert "Watchdog timeout" in machine.console()
