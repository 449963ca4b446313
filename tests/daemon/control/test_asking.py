"""A command meets others, and a daemon that starts, while it has to do with the state directory itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leapfrog.control import asking
from leapfrog.control.asking import run_command
from leapfrog.control.control_socket import ControlServer, StateLock
from leapfrog.errors import StateDirectoryHeld
from support.stick_box import StickBox

SOON_SECONDS = 0.5


@pytest.fixture
def box(tmp_path: Path) -> StickBox:
    return StickBox(tmp_path)


@contextmanager
def soon(do: object) -> Iterator[None]:
    """Have `do` done while the block runs."""
    timer = threading.Timer(SOON_SECONDS, do)  # type: ignore[arg-type]
    timer.start()
    yield
    timer.join()


def test_a_command_waits_for_another_that_has_the_state_for_a_moment(box: StickBox) -> None:
    with soon(StateLock(box.state_dir).release):
        assert run_command(box.settings, "deliveries") == []


def test_a_command_asks_the_daemon_that_started_meanwhile(box: StickBox) -> None:
    with StateLock(box.state_dir):
        server = ControlServer(box.state_dir, {"deliveries": lambda _: ["of the daemon"]})
        with soon(server.start):
            assert run_command(box.settings, "deliveries") == ["of the daemon"]
        server.stop()


def test_it_does_not_wait_for_ever(box: StickBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "HELD_PATIENCE_SECONDS", 0.2)
    with StateLock(box.state_dir), pytest.raises(StateDirectoryHeld):
        run_command(box.settings, "deliveries")


def test_a_daemon_waits_for_a_command_that_has_the_state_for_a_moment(box: StickBox) -> None:
    with soon(StateLock(box.state_dir).release):
        StateLock(box.state_dir, patience_seconds=10 * SOON_SECONDS).release()
