"""A small dose of every kind of fault; `tests/faults/run` gives the full ones."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from faults.audit import Audit
from faults.site import Site
from support.cups import missing_for_paper
from support.disk_image import DiskImage
from support.failing_calls import KILL_BEFORE, Call, FailingCalls
from support.orthanc import orthanc_program

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(orthanc_program() is None, reason="Orthanc with its DICOMweb plug-in is not installed"),
    pytest.mark.skipif(not FailingCalls.possible(), reason="gcc is not installed: it builds what makes calls fail"),
]

TESTS = Path(__file__).parent.parent
SEED = "1"
PATIENT_SECONDS = "40"  # other tests run meanwhile
WRITES = "import os, sys; [os.write(os.open(sys.argv[1] + f'/{n}', os.O_WRONLY | os.O_CREAT), b'x') for n in range(5)]"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder on a real disk, with a path short enough for a socket."""
    with TemporaryDirectory(prefix="lf.", dir="/var/tmp") as folder:
        yield Path(folder)


def run(results: Path, *arguments: str) -> None:
    """`tests/faults/run ARGUMENTS`. Raises AssertionError with all that it printed when something was lost."""
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "faults",
            *arguments,
            "--seed",
            SEED,
            "--normal-within",
            PATIENT_SECONDS,
            "--results",
            str(results),
        ],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (results / f"{arguments[0]}.md").is_file()


# ---------------------------------------------------------------- small doses


def test_kills_lose_nothing_and_send_nothing_twice(tmp_path: Path) -> None:
    run(tmp_path, "kills", "--count", "5")


@pytest.mark.root
@pytest.mark.skipif(bool(missing_for_paper()), reason=missing_for_paper() or "a printer is there")
def test_sheets_come_out_once_over_a_kill_and_the_faults_of_a_printer(tmp_path: Path) -> None:
    run(tmp_path, "prints", "--count", "3", "--only", "paper", "--only", "stopped", "--normal-within", "300")


@pytest.mark.root
def test_power_cuts_lose_nothing_and_send_nothing_twice(tmp_path: Path, short_path: Path) -> None:
    if not DiskImage.possible(short_path):
        pytest.skip("this user or machine does not mount files")
    run(tmp_path, "power-cuts", "--count", "4")


def test_disk_errors_lose_nothing_and_send_nothing_twice(tmp_path: Path) -> None:
    run(tmp_path, "disk-errors", "--count", "8")


@pytest.mark.root
def test_other_faults_stay_where_they_are(tmp_path: Path, short_path: Path) -> None:
    if not DiskImage.possible(short_path):
        pytest.skip("this user or machine does not mount files")
    chosen = (  # of the others some have tests of their own
        "the journal is moved aside",
        "a spool file is corrupt, and its film is sent again",
        "one file in the watched folder whose stat fails",
        "16 films that end in the middle",
        "409 with A700",
        "XML nested",
    )
    run(tmp_path, "faults", *(word for words in chosen for word in ("--only", words)))


# ---------------------------------------------------------------- that the instruments can tell


def test_a_lost_film_and_a_doubled_one_are_told(short_path: Path) -> None:
    with Site(short_path) as site:
        site.start()
        audit = Audit(site)
        site.work(1, 1)
        assert not audit.verdict().lost
        lost, foreign, doubled = site.films.new(3)
        site.senders.store([doubled])
        site.senders.wait(60)
        site.senders.seconds_until_stored(lost, 0.0, 60.0)
        assert not audit.verdict().lost
        uid = lost.sop_instance_uid
        site.orthanc.remove(uid)
        site.orthanc.add(foreign.path.read_bytes().replace(foreign.sop_instance_uid.encode(), uid.encode()))
        site.posts_when_confirmed[doubled.sop_instance_uid] -= 1
        told = Audit(site).verdict()
        assert told.lost == {uid}
        assert told.doubled == {doubled.sop_instance_uid}


def test_the_call_that_is_chosen_fails_and_no_other(tmp_path: Path) -> None:
    folder, other = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    other.mkdir()
    with FailingCalls(tmp_path, [folder, other]) as calls:
        calls.arm(Call.WRITE, 0, 3, errno.ENOSPC)
        for place, status in ((other, 0), (folder, 1), (folder, 0)):
            done = _write_five(place, calls)
            assert done.returncode == status, done.stderr
            assert (b"No space left on device" in done.stderr) == (status == 1)
        assert calls.fired
        assert calls.counts()[Call.WRITE, 0] == 3 + 5
        calls.arm(Call.OPEN_FOR_WRITING, 1, 2, KILL_BEFORE)
        shutil.rmtree(other)
        other.mkdir()
        assert _write_five(other, calls).returncode == -9
        assert [path.name for path in other.iterdir()] == ["0"]


def _write_five(folder: Path, calls: FailingCalls) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", WRITES, folder],
        env={**os.environ, **calls.environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.root
def test_a_power_cut_takes_what_was_not_made_durable(tmp_path: Path) -> None:
    if not DiskImage.possible(tmp_path):
        pytest.skip("this user or machine does not mount files")
    disk = DiskImage(tmp_path / "disk.img", tmp_path / "disk", 16).mount()
    try:
        for name, durable in (("durable", True), ("in-the-cache", False)):
            with (disk.folder / name).open("wb") as stream:
                stream.write(b"x" * 1000)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
        disk.cut()
        disk.unmount()
        assert disk.check() == ""
        disk.mount()
        assert (disk.folder / "durable").read_bytes() == b"x" * 1000
        late = disk.folder / "in-the-cache"
        assert not late.exists() or late.read_bytes() == b""
    finally:
        disk.unmount()
