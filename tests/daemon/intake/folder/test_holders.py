"""Who still has a file open for writing: a lease tells, whoever it belongs to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leapfrog.intake.folder.holders import Holders, holders_of
from support.capabilities import bound_by_file_modes

HOLDING = "import sys; stream = open(sys.argv[1], 'r+b'); print('open', flush=True); sys.stdin.read()"


def look(path: Path, *, local: bool = True) -> Holders:
    with path.open("rb") as stream:
        return holders_of(stream.fileno(), local=local)


def test_another_process_that_can_write_is_seen_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    assert look(path) is Holders.NOBODY
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        assert look(path) is Holders.SOMEBODY
        holder.stdin.close()
        holder.wait()
    assert look(path) is Holders.NOBODY


def test_whoever_only_reads_is_no_holder(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    with path.open("rb"):
        assert look(path) is Holders.NOBODY


def test_writers_elsewhere_cannot_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    assert look(path, local=False) is Holders.UNSEEN


@pytest.mark.root
def test_without_rights_the_holders_of_another_user_s_file_cannot_be_seen(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a file to another user needs root")
    path = tmp_path / "a"
    path.write_bytes(b"content")
    os.chown(path, 65534, 65534)
    looking = (
        "import sys; from pathlib import Path; from leapfrog.intake.folder.holders import holders_of\n"
        "print(holders_of(open(sys.argv[1], 'rb').fileno(), local=True).name)"
    )
    with bound_by_file_modes():  # a program that is started within has no capabilities
        done = subprocess.run([sys.executable, "-c", looking, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "UNSEEN\n"
