"""systemd learns the state of the daemon; without systemd nothing happens."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.control import systemd


@pytest.fixture(params=["path", "abstract"])
def listener(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        if request.param == "path":
            name = str(tmp_path / "notify")
            server.bind(name)
        else:
            name = f"@leapfrog-test-{os.getpid()}"
            server.bind("\0" + name[1:])
        server.settimeout(5)
        monkeypatch.setenv(systemd.SOCKET_VARIABLE, name)
        yield server


def test_each_message_is_what_sd_notify_defines(listener: socket.socket) -> None:
    systemd.ready()
    systemd.watchdog()
    systemd.status("40 images\nare read")
    systemd.stopping()
    received = [listener.recv(4096) for _ in range(4)]
    assert received == [b"READY=1", b"WATCHDOG=1", b"STATUS=40 images are read", b"STOPPING=1"]


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(systemd.SOCKET_VARIABLE, raising=False)
    systemd.ready()
