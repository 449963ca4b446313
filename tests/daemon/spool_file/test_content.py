"""What stands under a spool file's name may be anything, and nobody waits for it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from leapfrog.spool_file.checked import file_problem
from leapfrog.spool_file.content import open_content
from leapfrog.spool_file.record import read_record

PLACED: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": lambda path: path.mkdir(),
    "a link to something endless": lambda path: path.symlink_to("/dev/zero"),
    "a dangling link": lambda path: path.symlink_to("/nowhere/at/all"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("what", PLACED)
def test_what_is_no_file_counts_as_missing(tmp_path: Path, what: str) -> None:
    path = tmp_path / "0123456789abcdef.dcm"
    PLACED[what](path)
    with pytest.raises(FileNotFoundError):
        open_content(path, 100)
    with pytest.raises(FileNotFoundError):
        read_record(path)
    assert file_problem(path, 100, "0" * 64) == "missing"
    assert file_problem(path, 100, "") == "missing"
