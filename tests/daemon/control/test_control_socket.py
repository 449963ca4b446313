"""The control socket and the lock on the state directory."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.control.control_socket import SOCKET_NAME, ControlServer, StateLock, ask_daemon
from leapfrog.errors import DaemonNotRunning, LeapfrogError, StateDirectoryHeld, UsageError


def _refuse(_arguments: dict[str, Any]) -> None:
    raise UsageError("No instance has the id 7.")


def _break(_arguments: dict[str, Any]) -> None:
    raise RuntimeError("a fault with a name in it: Doe^Jane")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    control = ControlServer(tmp_path, {"echo": lambda arguments: arguments, "refuse": _refuse, "break": _break})
    control.start()
    yield tmp_path
    control.stop()


def test_a_command_reaches_the_daemon_and_its_answer_comes_back_whole(server: Path) -> None:
    long_text = "x" * 3_000_000
    assert ask_daemon(server, "echo", text=long_text) == {"text": long_text}


def test_a_refusal_comes_back_with_the_daemons_message(server: Path) -> None:
    with pytest.raises(UsageError, match="No instance has the id 7"):
        ask_daemon(server, "refuse")


def test_a_fault_in_one_command_leaves_the_others_working_and_reveals_nothing_about_patients(server: Path) -> None:
    with pytest.raises(LeapfrogError) as raised:
        ask_daemon(server, "break")
    assert "Doe" not in str(raised.value)
    assert ask_daemon(server, "echo", n=1) == {"n": 1}


@pytest.mark.parametrize("line", [b"garbage\n", b'{"command": "unknown"}\n', b"[]\n", b"\n", b'{"command": []}\n'])
def test_nonsense_on_the_socket_is_answered_with_an_error(server: Path, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server / SOCKET_NAME))
        connection.sendall(line)
        assert "error" in json.loads(connection.makefile().readline())
    assert ask_daemon(server, "echo") == {}


def test_a_command_that_hangs_up_early_does_not_stop_the_daemon(server: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server / SOCKET_NAME))
    assert ask_daemon(server, "echo") == {}


def test_only_the_owner_may_use_the_socket(server: Path) -> None:
    assert stat.S_IMODE((server / SOCKET_NAME).stat().st_mode) == 0o600


def test_without_a_daemon_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(DaemonNotRunning, match="leapfrog run"):
        ask_daemon(tmp_path, "status")


def test_a_stale_socket_of_a_killed_daemon_counts_as_no_daemon(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.bind(str(tmp_path / SOCKET_NAME))
    with pytest.raises(DaemonNotRunning):
        ask_daemon(tmp_path, "status")


def test_the_second_holder_of_a_state_directory_learns_who_holds_it(server: Path) -> None:
    with StateLock(server), pytest.raises(StateDirectoryHeld, match=f"process id {os.getpid()}"):
        StateLock(server)


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from leapfrog.control.control_socket import StateLock;"
        "lock = StateLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StateDirectoryHeld):
            StateLock(tmp_path)
        holder.kill()
        holder.wait()
        StateLock(tmp_path).release()
