"""What a person is told to do about the disk of the reports."""

from pathlib import Path

import pytest

from leapfrog import mounts
from leapfrog.worklist.disk_condition import what_is_wrong
from leapfrog.worklist.disk_jobs import DiskAnswer

TABLE = """\
21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
22 21 254:1 / /srv rw,relatime - ext4 /dev/vdb rw
23 22 0:47 / /srv/x\\040ray rw,relatime - nfs4 server:/reports rw
"""


def remedy(reports: str, state: str) -> str:
    return what_is_wrong(DiskAnswer(condition="no_answer"), Path(reports), Path(state), 2)[1]


@pytest.fixture(autouse=True)
def _table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(TABLE)
    monkeypatch.setattr(mounts, "MOUNT_TABLE", tmp_path / "mountinfo")


def test_a_disk_of_its_own_may_be_unmounted() -> None:
    assert "`umount -l -f '/srv/x ray'`" in remedy("/srv/x ray/reports", "/srv/state")
    assert "`umount -l -f /srv`" in remedy("/srv/reports", "/no-such-place/state")


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        ("/no-such-place/reports", "/srv/state"),  # the system's own
        ("/srv/reports", "/srv/state"),
        ("/srv/reports", "/srv/x ray/state"),  # on a mount below: it goes with the one above
    ],
)
def test_nobody_is_told_to_unmount_the_system_or_the_state(reports: str, state: str) -> None:
    said = remedy(reports, state)
    assert "umount" not in said
    assert "cable" in said and "network" in said and "dmesg" in said


def test_nobody_is_told_to_unmount_what_the_state_is_linked_to(tmp_path: Path) -> None:
    (tmp_path / "state").symlink_to("/srv/state")
    assert "umount" not in remedy("/srv/reports", str(tmp_path / "state"))
