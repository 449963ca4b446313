"""A log of who did what that somebody changed is found out."""

import re
from pathlib import Path

import pytest

from leapfrog.state.action_log import newest_hash, note_action
from leapfrog.state.actions.check import check
from leapfrog.state.actions.files import ACTIONS_NAME, ActionFiles
from leapfrog.state.actions.line import ActionLine
from leapfrog.state.actions.seen import line_seen
from leapfrog.state.actions.who import Who


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A log of seven lines in `tmp_path`."""
    for action in ("retry", "dismiss", "print", "export", "forget", "sync"):
        note_action(tmp_path, action)
    return ActionFiles(tmp_path).files()[-1]


def _lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines(keepends=True)


def test_a_log_that_nobody_touched_is_whole(tmp_path: Path, file: Path) -> None:
    assert check(tmp_path).problems == ()


def test_a_changed_word_is_found(tmp_path: Path, file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"forget"', b'"retry"'))
    assert "Action 7 does not follow" in check(tmp_path).problems[0]


@pytest.mark.parametrize("place", [0, 1, 4])
def test_a_line_that_was_taken_out_is_found(tmp_path: Path, file: Path, place: int) -> None:
    lines = _lines(file)
    del lines[place]
    file.write_bytes(b"".join(lines))
    assert check(tmp_path).problems


def test_a_line_that_was_put_in_is_found(tmp_path: Path, file: Path) -> None:
    lines = _lines(file)
    file.write_bytes(b"".join([*lines[:3], lines[2], *lines[3:]]))
    assert check(tmp_path).problems


def test_rubbish_between_lines_is_found(tmp_path: Path, file: Path) -> None:
    lines = _lines(file)
    file.write_bytes(b"".join([*lines[:3], b"rubbish\n", *lines[3:]]))
    assert check(tmp_path).problems


def test_an_end_that_was_cut_off_is_found_by_what_the_district_saw(tmp_path: Path, file: Path) -> None:
    seen = line_seen(newest_hash(tmp_path))
    file.write_bytes(b"".join(_lines(file)[:-2]))
    note_action(tmp_path, "retry")
    note_action(tmp_path, "retry")
    assert check(tmp_path).problems == ()
    assert "rewritten" in check(tmp_path, seen).problems[0]


def test_a_log_that_was_removed_is_found_by_what_the_district_saw(tmp_path: Path, file: Path) -> None:
    seen = line_seen(newest_hash(tmp_path))
    file.unlink()
    assert check(tmp_path, seen).problems


def test_a_file_that_was_removed_is_found(tmp_path: Path) -> None:
    files = ActionFiles(tmp_path, file_bytes=1000, most_files=9)
    for _ in range(30):
        files.add(ActionLine(sequence=0, at="", who=Who(uid=0, user="root"), action="x", outcome="done", before=""))
    assert check(tmp_path).problems == ()
    first, second, *_ = files.files()
    kept = second.read_bytes()
    second.unlink()
    assert check(tmp_path).problems
    second.write_bytes(kept)
    first.unlink()
    assert re.search("before .* are missing", check(tmp_path).problems[0])


def test_what_is_being_written_right_now_is_no_problem(tmp_path: Path, file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b'{"sequence":8')
    assert check(tmp_path).problems == ()
    assert (tmp_path / ACTIONS_NAME).is_dir()
