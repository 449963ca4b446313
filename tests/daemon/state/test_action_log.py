"""The log of who did what: what stands in it, whatever happens to it."""

import json
import os
import threading
from pathlib import Path

import pytest

from leapfrog.errors import LeapfrogError, StorageError, UsageError
from leapfrog.state.action_log import acting, counts, lines, newest_hash, note_action
from leapfrog.state.actions.check import check
from leapfrog.state.actions.files import ACTIONS_NAME, ActionFiles
from leapfrog.state.actions.line import ActionLine
from leapfrog.state.actions.who import Login, Who

ANNA = Who(uid=0, user="root", login=Login(name="anna", by="kernel"))


def _line(action: str = "retry") -> ActionLine:
    return ActionLine(sequence=0, at="", who=ANNA, action=action, outcome="done", before="")


def _file(state_dir: Path) -> Path:
    return ActionFiles(state_dir).files()[-1]


def test_an_action_says_who_did_what_about_what_and_how_it_ended(tmp_path: Path) -> None:
    note_action(tmp_path, "retry", ["K7-42F", "0123456789abcdef"], "two of them", who=ANNA)
    newest = next(lines(tmp_path))
    assert (newest.action, newest.about, newest.outcome, newest.detail) == (
        "retry",
        ("K7-42F", "0123456789abcdef"),
        "done",
        "two of them",
    )
    assert newest.who.in_words() == "root (anna)"
    assert check(tmp_path).problems == ()


def test_whoever_runs_a_command_by_itself_stands_in_the_log(tmp_path: Path) -> None:
    note_action(tmp_path, "backup")
    assert next(lines(tmp_path)).who.uid == os.getuid()


def test_nobody_else_reads_the_log(tmp_path: Path) -> None:
    note_action(tmp_path, "backup")
    assert _file(tmp_path).stat().st_mode & 0o007 == 0
    assert (tmp_path / ACTIONS_NAME).stat().st_mode & 0o007 == 0


def test_of_very_many_only_some_are_named_and_the_others_are_counted(tmp_path: Path) -> None:
    note_action(tmp_path, "retry", [f"{number:016x}" for number in range(1000)])
    newest = next(lines(tmp_path))
    assert len(newest.about) + newest.more == 1000
    assert len(newest.about) < 50


def test_what_must_leave_a_trace_is_noted_before_it_is_done_and_after(tmp_path: Path) -> None:
    with acting(tmp_path, "export", "K7-42F", who=ANNA) as acted:
        assert next(lines(tmp_path)).outcome == "begun"
        acted.detail = "3 objects"
    done, begun = list(lines(tmp_path))[:2]
    assert (done.outcome, done.detail, done.begun) == ("done", "3 objects", begun.sequence)


@pytest.mark.parametrize(
    ("problem", "outcome"), [(UsageError("It is owed."), "refused"), (LeapfrogError("No."), "failed")]
)
def test_what_was_refused_and_what_failed_is_noted_as_such(
    tmp_path: Path, problem: LeapfrogError, outcome: str
) -> None:
    with pytest.raises(type(problem)), acting(tmp_path, "forget", "K7-42F"):
        raise problem
    newest = next(lines(tmp_path))
    assert (newest.outcome, newest.detail) == (outcome, str(problem))


def test_without_a_log_what_must_leave_a_trace_is_not_done_and_the_rest_is(tmp_path: Path) -> None:
    (tmp_path / ACTIONS_NAME).write_text("a file where the folder belongs")
    done = False
    with pytest.raises(StorageError, match="log of who did what"), acting(tmp_path, "export"):
        done = True
    assert not done
    assert note_action(tmp_path, "retry") is False


def test_after_a_full_disk_the_next_line_says_that_some_are_missing(tmp_path: Path) -> None:
    (tmp_path / ACTIONS_NAME).write_text("a file where the folder belongs")
    note_action(tmp_path, "retry")
    note_action(tmp_path, "reread")
    (tmp_path / ACTIONS_NAME).unlink()
    note_action(tmp_path, "sync")
    assert "2 before this could not be noted" in next(lines(tmp_path)).detail


def test_a_line_that_a_power_cut_tore_stays_and_the_next_one_speaks_of_it(tmp_path: Path) -> None:
    note_action(tmp_path, "retry")
    with _file(tmp_path).open("ab") as stream:
        stream.write(b'{"sequence":3,"at":"20')
    note_action(tmp_path, "sync")
    assert [line.action for line in lines(tmp_path)] == ["sync", "log repaired", "retry", "log started"]
    checked = check(tmp_path)
    assert (checked.problems, checked.torn) == ((), 1)
    assert b'"at":"20\n' in _file(tmp_path).read_bytes()


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_wherever_a_power_cut_tears_the_last_line_the_log_goes_on_and_is_whole(tmp_path: Path, cut: int) -> None:
    for action in ("retry", "sync", "print"):
        note_action(tmp_path, action, who=ANNA)
    file = _file(tmp_path)
    os.truncate(file, file.stat().st_size - cut)
    note_action(tmp_path, "reread")
    assert check(tmp_path).problems == ()
    assert [line.action for line in lines(tmp_path)][:2] == ["reread", "log repaired"]


def test_several_threads_at_once_make_one_chain(tmp_path: Path) -> None:
    threads = [threading.Thread(target=note_action, args=(tmp_path, "retry")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    checked = check(tmp_path)
    assert (checked.problems, checked.newest) == ((), 13)


def test_the_oldest_make_room_which_is_said_and_the_rest_stays_one_chain(tmp_path: Path) -> None:
    files = ActionFiles(tmp_path, file_bytes=1000, most_files=3)
    for number in range(60):
        files.add(_line(f"action {number}"))
    checked = check(tmp_path)
    assert len(files.files()) == 3
    assert checked.problems == ()
    assert checked.first > 1
    assert checked.newest > 60


def test_counts_are_of_the_last_days_and_of_what_was_done(tmp_path: Path) -> None:
    note_action(tmp_path, "retry")
    note_action(tmp_path, "retry")
    note_action(tmp_path, "forget", outcome="refused")
    note_action(tmp_path, "export", outcome="begun")
    assert counts(tmp_path) == {"log started": 1, "retry": 2, "refused": 1}
    assert counts(tmp_path, days=-1) == {}


def test_what_cannot_be_read_counts_as_nothing(tmp_path: Path) -> None:
    assert counts(tmp_path) == {}
    assert newest_hash(tmp_path) == ""


def test_text_in_a_detail_steers_no_terminal_and_makes_no_second_line(tmp_path: Path) -> None:
    note_action(tmp_path, "forget", detail='wrong patient\n{"sequence": 9}\x1b[2J')
    (raw, _) = _file(tmp_path).read_bytes().split(b"\n")[1:]
    assert json.loads(raw)["sequence"] == 2
    assert "\x1b" not in next(lines(tmp_path)).detail
