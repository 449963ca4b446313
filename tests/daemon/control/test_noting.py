"""What people have the box do through the control socket stands in the log of who did what."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.control.control_socket import ControlServer, Handler, ask_daemon
from leapfrog.control.noting import Noting
from leapfrog.errors import LeapfrogError, UsageError
from leapfrog.settings import Settings, StationSettings
from leapfrog.state.action_log import lines
from leapfrog.state.actions.files import ACTIONS_NAME
from leapfrog.state.actions.line import ActionLine
from leapfrog.state.actions.who import Claim, who_asks

called: list[str] = []


def _refuse(arguments: dict[str, Any]) -> None:
    raise UsageError(f"There is no exam {arguments['ids'][0]}.")


def _dismiss(_arguments: dict[str, Any]) -> None:
    called.append("dismiss")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    called.clear()
    handlers: dict[str, Handler] = {
        "retry": lambda _: {},
        "reread": _refuse,
        "dismiss": _dismiss,
        "status": lambda _: {},
    }
    settings = Settings(station=StationSettings(state_dir=tmp_path))
    control = ControlServer(tmp_path, handlers, Noting(settings).run)
    control.start()
    yield tmp_path
    control.stop()


def _newest(state_dir: Path) -> ActionLine:
    return next(lines(state_dir))


def test_a_command_is_noted_with_the_user_whom_the_kernel_names(server: Path) -> None:
    ask_daemon(server, "retry", ids=["K7-42F"])
    newest = _newest(server)
    assert (newest.action, newest.about, newest.outcome) == ("retry", ("K7-42F",), "done")
    assert newest.who.uid == os.getuid()


def test_a_question_is_not_noted(server: Path) -> None:
    ask_daemon(server, "status")
    assert not (server / ACTIONS_NAME).exists()


def test_a_refused_attempt_is_noted_with_its_reason(server: Path) -> None:
    with pytest.raises(UsageError):
        ask_daemon(server, "reread", ids=["K7-42F"])
    assert (_newest(server).outcome, _newest(server).detail) == ("refused", "There is no exam K7-42F.")


def test_what_somebody_typed_in_the_place_of_an_exam_does_not_stand_in_the_log(server: Path) -> None:
    with pytest.raises(UsageError):
        ask_daemon(server, "reread", ids=["Doe^Jane"])
    assert "Doe" not in _newest(server).model_dump_json()


def test_the_path_of_a_report_stands_in_the_log_as_the_id_in_it(server: Path) -> None:
    ask_daemon(server, "retry", ids=["/var/lib/leapfrog/reports/2026-11-30/0123456789abcdef/report.html"])
    assert _newest(server).about == ("0123456789abcdef",)


def test_what_can_only_be_done_if_it_is_noted_is_not_done_without_and_the_rest_is(server: Path) -> None:
    (server / ACTIONS_NAME).write_text("a file where the folder belongs")
    with pytest.raises(LeapfrogError, match="log of who did what"):
        ask_daemon(server, "dismiss", ids=["K7-42F"])
    assert called == []
    assert ask_daemon(server, "retry", ids=["K7-42F"]) == {}


def test_what_only_the_command_says_of_who_runs_it_is_marked_as_such() -> None:
    nobody = 2**22 + 1  # more than any process id
    who = who_asks(nobody, 0, Claim(login="anna"))
    assert who.in_words() == "root (anna, by the command's own word)"


def test_what_the_kernel_says_counts_for_more_than_what_the_command_says() -> None:
    who = who_asks(os.getpid(), os.getuid(), Claim(login="anna"))
    if who.login is not None and who.login.by == "kernel":
        assert who.login.name != "anna"
    else:  # nobody logged in, such as in a container
        assert "own word" in who.in_words()
