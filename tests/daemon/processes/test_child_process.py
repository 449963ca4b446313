"""A child that is started from a terminal, as by `leapfrog read`, cannot reach the terminal."""

import os
import pty
import subprocess
import sys

CHILD = """
import os, socket, sys
try:
    os.open("/dev/tty", os.O_RDWR)
    answer = b"has the terminal"
except OSError:
    answer = b"in our session" if os.getsid(0) == os.getsid(os.getppid()) else b"in its own session"
socket.socket(fileno=int(sys.argv[1])).send(answer)
"""
PARENT = """
import socket, sys
from leapfrog.processes.child_process import ChildProcess
ours, theirs = socket.socketpair()
child = ChildProcess("child", [sys.executable, "-c", sys.argv[1], str(theirs.fileno())], theirs, may_log=False)
print("The child is", ours.recv(100).decode())
child.end()
"""


def test_a_child_does_not_reach_the_terminal() -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-c", PARENT, CHILD])
    said = b""
    try:
        while part := os.read(terminal, 1000):
            said += part
    except OSError:  # how the end of a terminal's other side is told
        pass
    os.close(terminal)
    os.waitpid(process, 0)
    assert said.decode().strip() == "The child is in its own session"


def test_without_a_terminal_it_stays_in_our_session() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PARENT, CHILD], start_new_session=True, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "The child is in our session"
