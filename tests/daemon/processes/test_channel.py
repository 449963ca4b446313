"""Lines and descriptors between a lane and its reader, whatever the other side sends."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.processes import channel as channel_module
from leapfrog.processes.channel import MOST_DESCRIPTORS, ChannelClosed, LineChannel


@pytest.fixture
def ends() -> Iterator[tuple[LineChannel, socket.socket]]:
    ours, theirs = socket.socketpair()
    channel = LineChannel(ours)
    with theirs:
        yield channel, theirs
    channel.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_descriptor_comes_with_its_line(ends: tuple[LineChannel, socket.socket]) -> None:
    channel, theirs = ends
    LineChannel(theirs.dup()).send("here it is", theirs.fileno())
    assert channel.receive(5) == b"here it is"
    taken = channel.take_descriptor()
    assert os.path.sameopenfile(taken, theirs.fileno())
    os.close(taken)


def test_descriptors_that_nobody_asked_for_do_not_pile_up(ends: tuple[LineChannel, socket.socket]) -> None:
    channel, theirs = ends
    before = open_descriptors()
    for _ in range(MOST_DESCRIPTORS + 1):
        socket.send_fds(theirs, [b"x"], [theirs.fileno()])
    with pytest.raises(ChannelClosed):
        channel.receive(5)
    channel.close()
    assert open_descriptors() < before


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_a_line_that_comes_in_crumbs_is_waited_for_no_longer_than_any_other(
    ends: tuple[LineChannel, socket.socket], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, theirs = ends
    monkeypatch.setattr(channel_module, "RECEIVE_BYTES", 1)
    line = b"x" * 100_000
    theirs.sendall(line + b"\n")
    assert channel.receive(seconds) is None
    assert channel.receive(30) == line, "nothing of it is lost"
