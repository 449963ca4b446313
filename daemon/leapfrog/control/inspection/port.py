"""The DICOM port, while no daemon listens there."""

import errno
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from leapfrog.problem import Problem

LISTENING = "0A"  # state of a socket in /proc/net/tcp (include/net/tcp_states.h)


def port_problem(host: str, port: int) -> Problem | None:
    """Why the daemon could not listen on `host` and `port`, or None."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as problem:
        what = f"Nobody could listen for DICOM on {host} port {port}: {problem.strerror}."
        if problem.errno == errno.EADDRINUSE:
            holder = _holder(port)
            return Problem(
                what=f"Port {port} is in use by {holder or 'another program'}, so Leapfrog cannot listen there.",
                remedy="Stop that program, or set dicom.port to another port here and on the modalities.",
            )
        return Problem(what=what, remedy="Set dicom.host to an address of this box, or to 0.0.0.0 for all of them.")
    return None


def _holder(port: int) -> str:
    """The program that listens on `port`, as far as this user may know."""
    sockets = {
        f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening(Path("/proc/net") / table, port)
    }
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and sockets.intersection(_open_files(process)):
            with suppress(OSError):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return ""


def _open_files(process: Path) -> Iterator[str]:
    """What the process has open, as far as this user may know and as long as it stays open."""
    with suppress(OSError):
        for entry in (process / "fd").iterdir():
            with suppress(OSError):
                yield str(entry.readlink())


def _listening(table: Path, port: int) -> list[str]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port]
