"""A disk that is really full."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.intake_box import Box, wait_for_scans
from support.raw_peer import RawPeer, data_set, element, store_command
from support.waiting import wait_until

pytestmark = pytest.mark.root

DISK_BYTES = 4_600_000  # so that after some films there is room for rows of the journal, but for no film
META = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4.6 MB; skipped without the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"this user or machine does not mount tmpfs: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_what_does_not_fit_is_refused_and_what_was_kept_stays(new_box: Callable[..., Box], small_disk: Path) -> None:
    box = new_box(small_disk / "state")
    _, port = box.receiver()
    statuses = []
    with RawPeer(port) as peer:
        peer.associate()
        for number in range(12):
            content = data_set(f"1.2.{number}", pixels=bytes(700_000))
            statuses.append(peer.store(store_command(f"1.2.{number}"), content))
        assert 0x0000 in statuses
        assert set(statuses) == {0x0000, 0xA700}
        kept = [number for number, status in enumerate(statuses) if status == 0x0000]
        for instance in box.instances():
            box.spool.remove(instance.spool_name)
        assert peer.store(store_command("1.3.1"), data_set("1.3.1")) == 0x0000, "room was made"
    assert [instance.sop_instance_uid for instance in box.instances()] == [f"1.2.{number}" for number in kept] + [
        "1.3.1"
    ]
    assert len(box.spool_files()) == 1


def test_a_folder_s_file_waits_until_there_is_room(
    new_box: Callable[..., Box], small_disk: Path, tmp_path: Path
) -> None:
    box = new_box(small_disk / "state")
    filler = small_disk / "filler"
    filler.write_bytes(bytes(box.spool.free_bytes() - 400_000))
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.dcm").write_bytes(META + data_set("1.2.3", pixels=bytes(600_000)))
    watcher = box.watcher(paths=(inbox,), after="delete")
    wait_for_scans(watcher, 3)
    assert box.instances() == []
    assert (inbox / "a.dcm").exists()
    filler.unlink()
    wait_until(lambda: len(box.instances()) == 1, "the file is taken")
    wait_until(lambda: not (inbox / "a.dcm").exists(), "the file is deleted")
