"""Another user's files under the unit's restrictions, where nobody sees who has them open.

The rests are a fifteenth of what they are on a box.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import leapfrog
from leapfrog.control.control_socket import ask_daemon
from leapfrog.intake.folder.wholeness import UNSEEN_REST_SECONDS, ZEROS_REST_SECONDS
from support.systemd_machine import UNIT, SystemdMachine, why_not
from support.unfinished_copies import NOISE, native
from support.waiting import wait_until

pytestmark = pytest.mark.root

STATE, INBOX, FILMS = "/var/lib/leapfrog", "/var/lib/leapfrog/inbox", "/srv/films"
SETTINGS_TEXT = f"""\
[station]
name = "Test clinic"
state_dir = "{STATE}"
[folder]
settle_seconds = 0.5
rescan_seconds = 2
[engine]
device = "cpu"
threads = 1
[retention]
min_free_bytes = 0
"""
ZEROS_SECONDS, UNSEEN_SECONDS = ZEROS_REST_SECONDS / 15, UNSEEN_REST_SECONDS / 15
SHORTENED = (
    "import leapfrog.intake.folder.wholeness as wholeness;"
    f" wholeness.ZEROS_REST_SECONDS = {ZEROS_SECONDS}; wholeness.UNSEEN_REST_SECONDS = {UNSEEN_SECONDS};"
    " from leapfrog.cli import main; main()"
)
DROP_IN = f"""\
[Service]
Environment=PYTHONPATH={Path(leapfrog.__file__).parents[1]}
ExecStart=
ExecStart={sys.executable} -c "{SHORTENED}" run --config /etc/leapfrog/leapfrog.toml
"""
PATIENT_SECONDS = 120.0  # the machine may be busy
BLACK = bytes(4000)
# Reserves the size, writes the first half, closes nothing and pauses, as Windows Explorer does over a share.
PAUSING_COPY = """
exec 3<>"$2"
truncate -s "$(stat -c %s "$1")" "$2"
head -c 100000 "$1" >&3
sleep "$3"
tail -c +100001 "$1" >&3
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdMachine]:
    if reason := why_not():
        pytest.skip(reason)
    machine = SystemdMachine(tmp_path_factory.mktemp("machine"), SETTINGS_TEXT)
    (machine.directory / f"installed/etc/systemd/system/{UNIT}.d/rests.conf").write_text(DROP_IN)
    with machine as booted:
        booted.wait_for_state("active")
        booted.run("chmod", "770", INBOX)
        yield booted


def film(machine: SystemdMachine, uid: str, end: bytes = b"") -> str:
    """A film within the machine, in a folder that everybody can read."""
    machine.run("mkdir", "-p", "-m", "755", FILMS)
    machine.path(f"{FILMS}/{uid}.dcm").write_bytes(native(NOISE + end, uid))
    return f"{FILMS}/{uid}.dcm"


def as_another_user(machine: SystemdMachine, *command: str) -> None:
    """Run `command` as a user of the group that may write into the inbox, but not as the daemon's user."""
    group = machine.run("getent", "group", "leapfrog").stdout.split(":")[2]
    who = ("setpriv", "--reuid=65534", f"--regid={group}", "--clear-groups")
    done = machine.run(*who, "sh", "-c", 'umask 027; "$@"', "sh", *command)
    assert done.returncode == 0, done.stderr


def taken_after(machine: SystemdMachine, uid: str, since: float) -> float:
    """Wait until the instance is there; returns the seconds since `since`."""

    def look() -> bool:
        rows: list[dict[str, Any]] = ask_daemon(machine.path(STATE), "instances")
        return uid in {row["sop_instance_uid"] for row in rows}

    wait_until(look, f"{uid} is taken", deadline_seconds=PATIENT_SECONDS, poll_seconds=0.1)
    return time.monotonic() - since


def is_whole_in_spool(machine: SystemdMachine, path: str) -> bool:
    content = machine.path(path).read_bytes()
    return any(content in found.read_bytes() for found in machine.path(f"{STATE}/spool").glob("*.dcm"))


def test_zeros_at_the_end_wait_for_the_close_that_was_heard(machine: SystemdMachine) -> None:
    quick = film(machine, "1.2.1")
    as_another_user(machine, "cp", quick, f"{INBOX}/quick.dcm")
    assert machine.run("stat", "-c", "%U", f"{INBOX}/quick.dcm").stdout.strip() == "nobody"
    taken_after(machine, "1.2.1", time.monotonic())
    for uid in ("1.2.2", "1.2.21", "1.2.22"):  # on a loaded machine, the first may come before closes are heard
        black, since = film(machine, uid, BLACK), time.monotonic()
        as_another_user(machine, "cp", black, f"{INBOX}/{uid}.dcm")
        seconds = taken_after(machine, uid, since)
        assert seconds >= ZEROS_SECONDS
        if seconds < UNSEEN_SECONDS:
            return
    pytest.fail("no close was ever heard")


def test_a_copy_that_reserves_its_size_and_pauses_is_taken_whole(machine: SystemdMachine) -> None:
    path, pause = film(machine, "1.2.3"), 2 * ZEROS_SECONDS
    as_another_user(machine, "sh", "-c", PAUSING_COPY, "sh", path, f"{INBOX}/pausing.dcm", str(pause))
    taken_after(machine, "1.2.3", time.monotonic())
    assert is_whole_in_spool(machine, path)
    assert len([row for row in ask_daemon(machine.path(STATE), "instances") if row["sop_instance_uid"] == "1.2.3"]) == 1


def test_zeros_at_the_end_wait_longest_where_no_close_was_heard(machine: SystemdMachine) -> None:
    machine.systemctl("stop", UNIT)
    quick, black = film(machine, "1.2.4"), film(machine, "1.2.5", BLACK)
    as_another_user(machine, "cp", black, f"{INBOX}/old-black.dcm")
    as_another_user(machine, "cp", quick, f"{INBOX}/old-quick.dcm")
    since = time.monotonic()
    machine.systemctl("start", UNIT)
    machine.wait_for_state("active")
    assert taken_after(machine, "1.2.4", since) < UNSEEN_SECONDS
    assert taken_after(machine, "1.2.5", since) >= UNSEEN_SECONDS
    assert is_whole_in_spool(machine, black)
