"""The spool and the journal together: what was acknowledged survives kill -9, a failing disk and a power cut."""

import errno
import io
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leapfrog.errors import DiskFull, StorageError
from leapfrog.spool_file.digest import digest_of
from leapfrog.spool_file.record import content_holds, read_record
from leapfrog.state.arrivals import record_of
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool
from support.journal_rows import new_instance
from support.spooled import go_through, without_record
from support.waiting import wait_until

# Takes instances one after the other, as the receiver does, and prints the id and digest of each once it is durable;
# then begins to read one, as a lane does.
WRITER = textwrap.dedent("""\
    import hashlib, os, sys
    from pathlib import Path
    from leapfrog.errors import StorageError
    from leapfrog.state.arrivals import record_of
    from leapfrog.state.instances import Instances
    from leapfrog.state.journal import Journal, new_id
    from leapfrog.state.records import NewInstance, StudyIdentity
    from leapfrog.state.spool import Spool

    state_dir = Path(sys.argv[1])
    spool = Spool(state_dir / "spool", 0)
    instances = Instances(Journal(state_dir / "journal.sqlite"))
    while True:
        name = new_id()
        content = os.urandom(20_000)
        arriving = spool.incoming / name
        arriving.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        new = NewInstance(
            id=name, spool_name=f"{name}.dcm", byte_count=len(content), file_digest=digest, source="writer",
            owed_to=("district",), study=StudyIdentity(patient_id=name), sop_instance_uid=f"1.2.{int(name, 16)}",
        )
        try:
            spool.adopt(arriving, new.spool_name, record_of(new))
            instances.add(new)
            print(name, digest, flush=True)
            instances.begin_attempt()
        except StorageError as problem:
            sys.exit(f"StorageError: {problem}")
""")

RECORD = record_of(new_instance(byte_count=len(b"pixels"), file_digest=digest_of(io.BytesIO(b"pixels"))))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", 0)


@contextmanager
def writing(state_dir: Path, acknowledged: Path, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """The running writer; its acknowledgements go to a file. `before` is a command to run it under."""
    with acknowledged.open("wb") as output:
        process = subprocess.Popen(
            [*before, sys.executable, "-c", WRITER, str(state_dir)], stdout=output, stderr=subprocess.PIPE
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def acknowledgements(file: Path) -> dict[str, str]:
    """The SHA-256 of each instance that was acknowledged, by its id. A line that was cut off was none."""
    lines = file.read_text().split("\n")[:-1]
    return dict(line.split() for line in lines)


def wait_for_acknowledgements(file: Path, count: int) -> None:
    wait_until(lambda: len(acknowledgements(file)) >= count, f"{count} are acknowledged")


def assert_nothing_is_lost(state_dir: Path, acknowledged: dict[str, str]) -> None:
    journal = Journal(state_dir / "journal.sqlite")
    spool = Spool(state_dir / "spool", 0)
    try:
        assert journal.rows("PRAGMA integrity_check")[0][0] == "ok"
        go_through(journal, spool)
        rows = {row["id"]: row["spool_name"] for row in journal.rows("SELECT id, spool_name FROM instances")}
        owed = {row["instance_id"] for row in journal.rows("SELECT instance_id FROM deliveries")}
        assert set(acknowledged) <= set(rows)
        assert owed == set(rows)
        for instance_id, digest in acknowledged.items():
            record = read_record(spool.path(rows[instance_id]))
            assert record is not None
            assert record.digest == digest
            assert content_holds(spool.path(rows[instance_id]), record)
        # One more may have been written and not acknowledged in time; it is whole then too.
        assert len(rows) <= len(acknowledged) + 1
        assert set(spool.names()) == set(rows.values())
        assert list(spool.incoming.iterdir()) == []
    finally:
        journal.close()


# ---------------------------------------------------------------- files


def test_a_file_is_taken_by_rename_and_gone_from_incoming(spool: Spool) -> None:
    arriving = spool.incoming / "a"
    arriving.write_bytes(b"pixels")
    inode = arriving.stat().st_ino
    kept = spool.adopt(arriving, "a.dcm", RECORD)
    assert kept == spool.path("a.dcm")
    assert kept.stat().st_ino == inode
    assert without_record(kept).read_bytes() == b"pixels"
    assert list(spool.incoming.iterdir()) == []


def test_several_files_are_taken_together(spool: Spool) -> None:
    work = spool.work_dir("job")
    sources = []
    for name in ("a", "b"):
        (work / name).write_text(name)
        sources.append((work / name, f"{name}.dcm"))
    spool.adopt_all(sources)
    assert [spool.path(f"{name}.dcm").read_text() for name in ("a", "b")] == ["a", "b"]


def test_a_file_that_is_gone_is_an_error_of_storage(spool: Spool) -> None:
    with pytest.raises(StorageError, match="could not be written to the disk"):
        spool.adopt(spool.incoming / "nobody", "a.dcm", RECORD)


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be created"):
        Spool(tmp_path / "file" / "spool", 0)


def test_a_start_removes_what_was_still_arriving_or_being_made_and_nothing_else(spool: Spool) -> None:
    spool.path("kept.dcm").write_text("kept")
    (spool.incoming / "half").write_text("half")
    (spool.work_dir("job") / "left").write_text("left")
    assert spool.clear_unfinished() == 2
    assert spool.names() == ["kept.dcm"]
    assert list(spool.incoming.iterdir()) == list(spool.work.iterdir()) == []


def test_what_is_adopted_while_the_names_are_read_is_not_taken_for_something_from_before(spool: Spool) -> None:
    def adopt(name: str) -> None:
        (spool.incoming / name).write_bytes(b"pixels")
        spool.adopt(spool.incoming / name, name, RECORD)

    adopt("before.dcm")
    spool.note_newcomers()
    adopt("received.dcm")
    (spool.work_dir("job") / "made").write_bytes(b"pixels")
    spool.adopt_all([(spool.work / "job" / "made", "made.dcm")])
    assert spool.names_before() == ["before.dcm"]
    assert sorted(spool.names_before()) == ["before.dcm", "made.dcm", "received.dcm"]  # nothing is noted any more


def test_a_job_finds_its_folder_empty(spool: Spool) -> None:
    (spool.work_dir("job") / "left").write_text("left")
    assert list(spool.work_dir("job").iterdir()) == []


def test_files_are_closed_to_other_users(spool: Spool) -> None:
    assert {path.stat().st_mode & 0o007 for path in (spool.directory, spool.incoming, spool.work)} == {0}


def test_the_space_that_must_stay_free_stays_free(tmp_path: Path) -> None:
    free = Spool(tmp_path / "spool", 0).free_bytes()
    Spool(tmp_path / "spool", free // 2).require_space()
    with pytest.raises(DiskFull, match=r"retention\.min_free_bytes"):
        Spool(tmp_path / "spool", free // 2).require_space(free)
    with pytest.raises(DiskFull):
        Spool(tmp_path / "spool", free * 2).require_space()


def test_an_image_costs_one_fsync_of_its_file_and_one_of_the_folder(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    arriving = spool.incoming / "arriving"
    arriving.write_bytes(b"pixels")
    spool.adopt(arriving, "name.dcm", RECORD)
    assert synced == [False, True]


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize("after_count", [1, 7, 40])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, after_count: int) -> None:
    said = tmp_path / "acknowledged"
    with writing(tmp_path / "state", said) as process:
        wait_for_acknowledgements(said, after_count)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert_nothing_is_lost(tmp_path / "state", acknowledgements(said))


@pytest.mark.parametrize(
    "fault", ["fdatasync:error=EIO", "fsync:error=EIO", "fsync:error=ENOSPC", "rename:error=ENOSPC"]
)
def test_a_disk_that_fails_is_never_answered_with_success(tmp_path: Path, fault: str) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    said = tmp_path / "acknowledged"
    name = fault.split(":", maxsplit=1)[0]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={fault}:when=20+"]
    with writing(tmp_path / "state", said, *strace) as process:
        _, complaint = process.communicate(timeout=60)
    if refused := re.search(rb"^strace: .*ptrace.*$", complaint, re.IGNORECASE | re.MULTILINE):
        pytest.skip(f"this machine does not let strace work: {refused[0].decode()}")
    assert b"StorageError: " in complaint
    assert acknowledgements(said)
    assert_nothing_is_lost(tmp_path / "state", acknowledgements(said))


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """An ext4 file system in a file."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("a file system in a file needs root and mkfs.ext4")
    image = tmp_path / "disk.img"
    with image.open("wb") as stream:
        stream.truncate(96 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    probe = tmp_path / "probe"
    probe.mkdir()
    tried = subprocess.run(["mount", "-o", "loop", str(image), str(probe)], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine does not mount files: {tried.stderr.strip()}")
    subprocess.run(["umount", str(probe)], check=True)
    return image


@pytest.mark.root
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path, disk: Path) -> None:
    """The disk's bytes at one moment are what a power cut would leave: they lack what was still in the page cache."""
    said = tmp_path / "acknowledged"
    with mounted(disk, tmp_path / "running") as folder, writing(folder / "state", said) as process:
        cuts = []
        for count in (5, 60, 150):
            wait_for_acknowledgements(said, count)
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.02)  # until a step that was inside the kernel has ended
            shutil.copyfile(disk, tmp_path / f"cut-{count}.img")
            cuts.append((tmp_path / f"cut-{count}.img", acknowledgements(said)))
            process.send_signal(signal.SIGCONT)
    for image, acknowledged in cuts:
        with mounted(image, image.with_suffix(".mounted")) as folder:
            assert_nothing_is_lost(folder / "state", acknowledged)


@pytest.mark.root
def test_the_power_cut_above_can_lose_what_was_not_made_durable(tmp_path: Path, disk: Path) -> None:
    """Shows that the test above works: a file that was not synced is missing from the disk after the power cut."""
    with mounted(disk, tmp_path / "running") as folder:
        (folder / "careless").write_bytes(b"x" * 20_000)
        shutil.copyfile(disk, tmp_path / "cut.img")
    with mounted(tmp_path / "cut.img", tmp_path / "after") as folder:
        careless = folder / "careless"
        assert not careless.exists() or careless.read_bytes() != b"x" * 20_000


@pytest.mark.root
def test_a_full_disk_is_reported_and_earlier_files_stay(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this machine does not mount tmpfs: {mounted.stderr.strip()}")
    said = tmp_path / "acknowledged"
    try:
        (folder / "filler").write_bytes(bytes(1 << 20))
        with writing(folder / "state", said) as process:
            _, complaint = process.communicate(timeout=60)
        assert b"No space left" in complaint or b"StorageError" in complaint
        assert len(acknowledgements(said)) > 10
        (folder / "filler").unlink()  # somebody makes room
        assert_nothing_is_lost(folder / "state", acknowledgements(said))
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fails_is_remembered_and_a_full_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, broken in ((errno.ENOSPC, False), (errno.EIO, True)):
        spool = Spool(tmp_path, 0)
        arriving = spool.incoming / "arriving"
        arriving.write_bytes(b"bytes")

        def fail(_descriptor: int, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError):
            spool.adopt(arriving, "name.dcm", RECORD)
        assert spool.broken is broken
        assert not spool.path("name.dcm").exists()


def test_a_disk_that_turned_read_only_is_remembered_too(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_how: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    arriving = spool.incoming / "arriving"
    arriving.write_bytes(b"bytes")
    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageError):
        spool.adopt(arriving, "name.dcm", RECORD)
    assert spool.broken
