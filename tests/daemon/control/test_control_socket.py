"""The control socket and the lock on the state directory."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leapfrog.control.control_socket import (
    MOST_CLIENTS,
    REQUEST_SECONDS,
    SOCKET_NAME,
    ControlServer,
    StateLock,
    ask_daemon,
)
from leapfrog.errors import DaemonNotRunning, LeapfrogError, StateDirectoryHeld, UsageError
from support.waiting import wait_until


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


def test_nobody_can_come_in_before_the_rights_are_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    born: list[int] = []

    class Watched(socket.socket):
        def bind(self, address: Any) -> None:
            super().bind(address)
            born.append(stat.S_IMODE(Path(address).stat().st_mode))

    monkeypatch.setattr("leapfrog.control.control_socket.socket.socket", Watched)
    before = os.umask(0)
    control = ControlServer(tmp_path, {})
    try:
        control.start()
    finally:
        os.umask(before)
        control.stop()
    assert born == [0o600]


def test_a_socket_whose_file_was_removed_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leapfrog.control.control_socket.LOOK_SECONDS", 0.05)
    control = ControlServer(tmp_path, {"echo": lambda arguments: arguments})
    control.start()
    try:
        (tmp_path / SOCKET_NAME).unlink()
        wait_until((tmp_path / SOCKET_NAME).is_socket, "the socket is there again")
        assert ask_daemon(tmp_path, "echo", n=1) == {"n": 1}
        assert stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode) == 0o600
        (tmp_path / SOCKET_NAME).unlink()
        (tmp_path / SOCKET_NAME / "something").mkdir(parents=True)
        wait_until((tmp_path / SOCKET_NAME).is_socket, "the socket is there again")
        assert ask_daemon(tmp_path, "echo", n=2) == {"n": 2}
    finally:
        control.stop()
    assert not (tmp_path / SOCKET_NAME).exists()


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


def silent_clients(state_dir: Path, count: int, first_bytes: bytes = b"") -> list[socket.socket]:
    clients = []
    for _ in range(count):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(state_dir / SOCKET_NAME))
        client.sendall(first_bytes)
        clients.append(client)
    return clients


@pytest.mark.parametrize("first_bytes", [b"", b'{"command": "echo"'])
def test_clients_that_say_nothing_or_half_delay_no_other(server: Path, first_bytes: bytes) -> None:
    clients = silent_clients(server, MOST_CLIENTS - 1, first_bytes)
    began = time.monotonic()
    assert ask_daemon(server, "echo", n=1) == {"n": 1}
    assert time.monotonic() - began < REQUEST_SECONDS / 2
    for client in clients:
        client.close()


def test_any_number_of_silent_clients_takes_up_a_bounded_number_of_threads(server: Path) -> None:
    clients = silent_clients(server, 3 * MOST_CLIENTS)
    assert ask_daemon(server, "echo", n=1) == {"n": 1}
    wait_until(
        lambda: sum(thread.name == "control-client" for thread in threading.enumerate()) <= MOST_CLIENTS,
        "the threads of those that were cut off have ended",
        deadline_seconds=REQUEST_SECONDS / 2,
    )
    assert clients[0].recv(1) == b""  # the one that came first was cut off
    for client in clients:
        client.close()


def test_a_client_that_sends_a_byte_now_and_then_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leapfrog.control.control_socket.REQUEST_SECONDS", 0.5)
    control = ControlServer(tmp_path, {})
    control.start()
    (client,) = silent_clients(tmp_path, 1)
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        for _ in range(200):
            client.sendall(b" ")
            time.sleep(0.05)
    client.close()
    control.stop()


def test_a_request_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leapfrog.control.control_socket.LONGEST_REQUEST_BYTES", 1000)
    control = ControlServer(tmp_path, {})
    control.start()
    with pytest.raises(LeapfrogError, match="does not know this command"):
        ask_daemon(tmp_path, "echo", text="x" * 2000)
    control.stop()


def test_brackets_without_end_are_answered(server: Path) -> None:
    (client,) = silent_clients(server, 1, b"[" * 100_000 + b"\n")
    assert "error" in json.loads(client.makefile().readline())
    client.close()


@pytest.mark.parametrize("command", [b"", b'{"command": "long"}\n'], ids=["says nothing", "does not read its answer"])
def test_a_stop_waits_for_no_client(tmp_path: Path, command: bytes) -> None:
    control = ControlServer(tmp_path, {"long": lambda _arguments: "x" * 10_000_000})
    control.start()
    (client,) = silent_clients(tmp_path, 1, command)
    wait_until(lambda: any(thread.name == "control-client" for thread in threading.enumerate()), "it is served")
    began = time.monotonic()
    control.stop()
    assert time.monotonic() - began < REQUEST_SECONDS / 2
    client.close()


def test_a_command_that_takes_long_delays_no_other(tmp_path: Path) -> None:
    go_on = threading.Event()
    control = ControlServer(tmp_path, {"slow": lambda _arguments: go_on.wait(60), "quick": lambda _arguments: 1})
    control.start()
    (client,) = silent_clients(tmp_path, 1, b'{"command": "slow"}\n')
    assert ask_daemon(tmp_path, "quick") == 1
    go_on.set()
    assert json.loads(client.makefile().readline()) == {"result": True}
    client.close()
    control.stop()
