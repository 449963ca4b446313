"""How commands talk to the daemon, by one line of JSON each way over `control.sock`; the state directory's lock."""

import fcntl
import json
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from leapfrog.errors import DaemonNotRunning, LeapfrogError, ListenError, StateDirectoryHeld, StorageError, UsageError

SOCKET_NAME = "control.sock"
CLIENT_TIMEOUT_SECONDS = 30.0

Handler = Callable[[dict[str, Any]], Any]

_log = logging.getLogger(__name__)


class StateLock:
    """An exclusive lock on a state directory, held until `release` or until the process ends."""

    def __init__(self, state_dir: Path) -> None:
        """Take the lock. Raises StateDirectoryHeld, naming the holder, when another process has it, and StorageError
        when there can be no such directory.
        """
        try:
            state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._descriptor = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as problem:
            raise StorageError(
                f"The state directory {state_dir} cannot be used: {problem.strerror}. Run this as its owner, or set"
                " station.state_dir."
            ) from problem
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise StateDirectoryHeld(
                f"{_holder(state_dir)} already uses {state_dir}: stop it first, or give this one another"
                " station.state_dir."
            ) from None

    def release(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _holder(state_dir: Path) -> str:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(state_dir / SOCKET_NAME))
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return "Another Leapfrog command"
    return f"The Leapfrog daemon with process id {struct.unpack('3i', credentials)[0]}"


class ControlServer:
    """Answers commands on the control socket, one at a time; only the owner of the state directory may ask."""

    def __init__(self, state_dir: Path, handlers: Mapping[str, Handler]) -> None:
        """`handlers` maps a command's name to what answers it: arguments in, something JSON can hold out."""
        self._path = state_dir / SOCKET_NAME
        self._handlers = handlers
        self._thread = threading.Thread(target=self._serve, name="control")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def start(self) -> None:
        """Listen. Raises ListenError when the socket cannot be made."""
        self._path.unlink(missing_ok=True)
        old_mask = os.umask(0o177)
        try:
            self._socket.bind(str(self._path))
        except OSError as problem:
            raise ListenError(f"The control socket {self._path} cannot be made: {problem}.") from problem
        finally:
            os.umask(old_mask)
        self._socket.listen(8)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more and remove the socket."""
        if self._thread.is_alive():
            self._socket.shutdown(socket.SHUT_RD)  # wakes the thread out of accept
            self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(CLIENT_TIMEOUT_SECONDS)
                try:
                    self._answer(connection)
                except OSError:
                    _log.warning("A command went away before its answer was read.")

    def _answer(self, connection: socket.socket) -> None:
        try:
            request = json.loads(_read_line(connection))
            handler = self._handlers[request["command"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            answer: dict[str, Any] = {"error": "The daemon does not know this command: is it of another version?"}
        else:
            try:
                answer = {"result": handler(request.get("arguments", {}))}
            except LeapfrogError as problem:
                answer = {"error": str(problem), "wrong_use": isinstance(problem, UsageError)}
            except Exception:  # a fault in one command must not end all the others
                _log.exception("The command %s failed.", request["command"])
                answer = {"error": "The daemon could not answer because of a fault of its own; its log says more."}
        connection.sendall(json.dumps(answer).encode() + b"\n")


def ask_daemon(state_dir: Path, command: str, **arguments: Any) -> Any:
    """What the daemon answers to `command`. Raises DaemonNotRunning when none answers; UsageError or LeapfrogError
    with its words when it refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(CLIENT_TIMEOUT_SECONDS)
            connection.connect(str(state_dir / SOCKET_NAME))
            connection.sendall(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
            answer = json.loads(_read_line(connection))
    except PermissionError as problem:
        raise LeapfrogError(
            f"You may not speak to the daemon of {state_dir}: run this as root or its user."
        ) from problem
    except (OSError, ValueError) as problem:
        raise DaemonNotRunning(f"No Leapfrog daemon answers in {state_dir}: start it with `leapfrog run`.") from problem
    if "error" in answer:
        raise (UsageError if answer.get("wrong_use") else LeapfrogError)(answer["error"])
    return answer["result"]


def _read_line(connection: socket.socket) -> bytes:
    """One line; an answer may be long, so only what never ends is cut off by the timeout and the peer."""
    received = bytearray()
    while not received.endswith(b"\n"):
        part = connection.recv(1 << 16)
        if not part:
            break
        received += part
    return bytes(received)
