"""`leapfrog journal check` says what is wrong, and `rebuild` makes the journal anew, both through the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from leapfrog.cli.command_line import app
from leapfrog.control.control_socket import StateLock
from leapfrog.state.instances import Instances
from leapfrog.state.journal import DAMAGED_NAME
from leapfrog.state.spool import Spool
from leapfrog.state.start.opening import close_in_order, open_journal
from support.journal_rows import new_instance
from support.spooled import put_in_spool
from support.toml import toml_document


class Desk:
    """A state directory with three images, and the commands on it."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        self.state.mkdir()
        self.settings = directory / "leapfrog.toml"
        self.settings.write_text(toml_document({"station": {"state_dir": str(self.state)}}))
        journal, _ = open_journal(self.state)
        self.spool = Spool(self.state / "spool", 0)
        self.images = []
        for number in range(3):
            new = put_in_spool(self.spool, f"image {number}".encode(), new_instance())
            Instances(journal).add(new)
            self.images.append(new.id)
        close_in_order(journal, self.state)

    def command(self, name: str, expected: int = 0) -> Any:
        done = CliRunner().invoke(app, ["journal", name, "--config", str(self.settings), "--json"])
        assert done.exit_code == expected, (done.output, done.exception)
        return json.loads(done.stdout)

    def problems(self, expected: int = 1) -> list[str]:
        return [problem["what"] for problem in self.command("check", expected)["problems"]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_sound_journal_has_no_problem(desk: Desk) -> None:
    found = desk.command("check")
    assert (found["searched"], found["problems"], found["aside"], found["kept"]) == (True, [], [], [])
    done = CliRunner().invoke(app, ["journal", "check", "--config", str(desk.settings)])
    assert "nothing is wrong" in done.output


def test_damage_is_named_with_what_to_do(desk: Desk) -> None:
    (desk.state / "journal.sqlite").write_bytes(b"garbage" * 1000)
    found = desk.command("check", 1)
    assert "damaged" in found["problems"][0]["what"]
    assert "leapfrog journal rebuild" in found["problems"][0]["remedy"]


@pytest.mark.parametrize("missing", [True, False])
def test_a_journal_that_is_missing_or_was_damaged_in_use_is_named(desk: Desk, missing: bool) -> None:
    if missing:
        (desk.state / "journal.sqlite").unlink()
    else:
        (desk.state / DAMAGED_NAME).touch()
    [what] = desk.problems()
    assert "missing" in what if missing else "while it was in use" in what


def test_images_that_the_journal_does_not_know_are_counted(desk: Desk) -> None:
    journal, _ = open_journal(desk.state)
    journal.change("DELETE FROM deliveries")
    journal.change("DELETE FROM instances WHERE id = ?", desk.images[0])
    journal.close()
    [what] = desk.problems()
    assert what.startswith("1 file(s)")


def test_what_lies_aside_is_named_also_while_a_daemon_runs(desk: Desk) -> None:
    (desk.spool.aside / "a.dcm.damaged").write_bytes(b"x")
    (desk.spool.aside / "b.dcm.incomplete").write_bytes(b"x")
    with StateLock(desk.state):
        found = desk.command("check", 1)
    assert not found["searched"]
    assert found["aside"] == ["a.dcm.damaged", "b.dcm.incomplete"]
    assert found["problems"][0]["what"].startswith("1 file(s)")


def test_a_rebuilt_journal_knows_every_image_and_the_old_one_is_kept(desk: Desk) -> None:
    (desk.state / "journal.sqlite").write_bytes(b"garbage" * 1000)
    rebuilt = desk.command("rebuild")
    assert rebuilt["instances"] == 3
    assert Path(rebuilt["kept"]).read_bytes() == b"garbage" * 1000
    found = desk.command("check")
    assert found["kept"] == [Path(rebuilt["kept"]).name]


def test_nothing_is_rebuilt_under_a_running_daemon(desk: Desk) -> None:
    before = (desk.state / "journal.sqlite").read_bytes()
    with StateLock(desk.state):
        done = CliRunner().invoke(app, ["journal", "rebuild", "--config", str(desk.settings)])
    assert done.exit_code == 1
    assert (desk.state / "journal.sqlite").read_bytes() == before


def test_where_no_daemon_ever_ran_there_is_nothing_to_check(tmp_path: Path) -> None:
    settings = tmp_path / "leapfrog.toml"
    settings.write_text(toml_document({"station": {"state_dir": str(tmp_path / "nowhere")}}))
    for name in ("check", "rebuild"):
        assert CliRunner().invoke(app, ["journal", name, "--config", str(settings)]).exit_code == 1
    assert not (tmp_path / "nowhere").exists()
