"""A log of who did what that somebody changed comes up in `status` and `doctor`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leapfrog.cli.command_line import app
from leapfrog.commands.doctor.actions import action_log_checks
from leapfrog.control.action_log_watch import LOOK_SECONDS, ActionLogWatch
from leapfrog.state.action_log import note_action
from leapfrog.state.actions.files import ActionFiles
from leapfrog.state.facts import Facts
from leapfrog.state.journal import Journal


@pytest.fixture
def facts(tmp_path: Path) -> Iterator[Facts]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield Facts(journal)
    journal.close()


def _file(state_dir: Path) -> Path:
    return ActionFiles(state_dir).files()[-1]


def test_a_whole_log_and_none_at_all_are_no_problem(tmp_path: Path, facts: Facts) -> None:
    assert ActionLogWatch(tmp_path, facts).problems() == ()
    assert list(action_log_checks(tmp_path)) == []
    note_action(tmp_path, "retry")
    assert ActionLogWatch(tmp_path, facts).problems() == ()
    assert [check.status for check in action_log_checks(tmp_path)] == ["ok"]


def test_a_changed_line_is_told_with_what_to_do(tmp_path: Path, facts: Facts) -> None:
    note_action(tmp_path, "forget")
    note_action(tmp_path, "retry")
    _file(tmp_path).write_bytes(_file(tmp_path).read_bytes().replace(b"forget", b"reread"))
    (problem,) = ActionLogWatch(tmp_path, facts).problems()
    assert "not as it was written" in problem.what
    assert "actions --verify" in problem.remedy
    assert [check.status for check in action_log_checks(tmp_path)] == ["problem"]


def test_lines_that_were_cut_off_at_the_end_are_found_by_what_was_there_before(tmp_path: Path, facts: Facts) -> None:
    now = 0.0
    watch = ActionLogWatch(tmp_path, facts, lambda: now)
    note_action(tmp_path, "forget")
    assert watch.problems() == ()
    _file(tmp_path).unlink()
    note_action(tmp_path, "retry")
    note_action(tmp_path, "retry")
    assert watch.problems() == ()  # it is not looked at all the time
    now = LOOK_SECONDS
    (problem,) = watch.problems()
    assert "rewritten" in problem.what
    assert ActionLogWatch(tmp_path, facts).problems()  # after a restart too
    assert [check.status for check in action_log_checks(tmp_path)] == ["problem"]
    verify = ["actions", "--verify", "--config", str(tmp_path / "leapfrog.toml")]
    (tmp_path / "leapfrog.toml").write_text(f'[station]\nstate_dir = "{tmp_path}"\n')
    assert CliRunner().invoke(app, verify).exit_code == 1
