"""On which mount a path lies is read from the kernel's table, and nothing is touched."""

from pathlib import Path

import pytest

from leapfrog import mounts
from leapfrog.mounts import mount_of

TABLE = """\
21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 21 0:45 / /mnt/x\\040ray rw,relatime shared:7 master:2 - cifs //server/films rw
31 21 0:46 / /mnt/films rw - autofs systemd-1 rw
32 31 0:47 / /mnt/films rw - nfs4 server:/films rw
33 21 8:1 / /mnt/stick rw - vfat /dev/sdb1 rw
garbage
"""


@pytest.mark.parametrize(
    ("path", "number", "local"),
    [
        ("/var/inbox", 21, True),
        ("/mnt/x ray", 30, False),
        ("/mnt/x ray/room/a.dcm", 30, False),
        ("/mnt/films/a.dcm", 32, False),
        ("/mnt/filmstrip/a.dcm", 21, True),
        ("/mnt/stick/a.dcm", 33, True),
    ],
)
def test_the_innermost_and_newest_mount_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, number: int, local: bool
) -> None:
    (tmp_path / "mountinfo").write_text(TABLE)
    monkeypatch.setattr(mounts, "MOUNT_TABLE", tmp_path / "mountinfo")
    found = mount_of(Path(path))
    assert found is not None
    assert (found.number, found.local) == (number, local)


def test_where_the_table_cannot_be_read_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "MOUNT_TABLE", tmp_path / "missing")
    assert mount_of(Path("/")) is None
