"""How commands reach the daemon: one line of JSON each way over `control.sock`. Also the state directory's lock."""

import fcntl
import json
import logging
import math
import os
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from leapfrog.errors import DaemonNotRunning, LeapfrogError, ListenError, StateDirectoryHeld, StorageError, UsageError
from leapfrog.state.actions.who import Claim, Who, own_claim, who_asks

SOCKET_NAME = "control.sock"
CLIENT_TIMEOUT_SECONDS = 30.0
REQUEST_SECONDS = 5.0  # within which a client must have sent its whole request
LONGEST_REQUEST_BYTES = 16 * 1024 * 1024  # the ids of some 800,000 instances
MOST_CLIENTS = 32
LOCK_PAUSE_SECONDS = 0.05  # before the lock of a state directory is tried again
BACKLOG = 64
STOP_SECONDS = 2.0  # how long a stop waits for commands that are being run
ACCEPT_PAUSE_SECONDS = 0.2
LOOK_SECONDS = 5.0  # between two looks at whether the socket's file is still there

CREDENTIALS = "3i"  # struct ucred: pid, uid and gid (unix(7))

Handler = Callable[[dict[str, Any]], Any]
# Runs a command, by its name, for somebody.
Runner = Callable[[str, Handler, dict[str, Any], Who], Any]

_log = logging.getLogger(__name__)


class StateLock:
    """The exclusive right to use a state directory, until `release` or the end of the process."""

    def __init__(self, state_dir: Path, patience_seconds: float = 0.0) -> None:
        """Take the lock. Raises StateDirectoryHeld, which names the holder, when another process has the lock for so
        long, and StorageError when the directory cannot be created or opened.
        """
        deadline = time.monotonic() + patience_seconds
        try:
            state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._descriptor = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as problem:
            raise StorageError(
                f"The state directory {state_dir} cannot be used: {problem.strerror}. Run this as its owner, or set"
                " station.state_dir to another directory."
            ) from problem
        while not self._is_taken():
            if time.monotonic() >= deadline:
                os.close(self._descriptor)
                raise StateDirectoryHeld(
                    f"{_holder(state_dir)} is already using {state_dir}. Stop it first, or set station.state_dir to"
                    " another directory."
                )
            time.sleep(LOCK_PAUSE_SECONDS)

    def _is_taken(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let another process take the lock."""
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
            process_id, _ = _peer(connection)
    except OSError:
        return "Another Leapfrog process"
    return f"The Leapfrog daemon with process id {process_id}"


def _peer(connection: socket.socket) -> tuple[int, int]:
    """The process and the user at the other end, as the kernel noted them when it connected or listened."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(CREDENTIALS))
    process_id, uid, _ = struct.unpack(CREDENTIALS, credentials)
    return process_id, uid


def _plainly(_command: str, handler: Handler, arguments: dict[str, Any], _who: Who) -> Any:
    return handler(arguments)


class ControlServer:
    """Answers commands on the control socket, each client in a thread of its own, so that one that is silent, slow or
    asks much keeps no other waiting. Only the owner of the state directory may ask.
    """

    def __init__(self, state_dir: Path, handlers: Mapping[str, Handler], run: Runner = _plainly) -> None:
        """`handlers` maps the name of a command to a function from its arguments to an answer that JSON can hold. They
        are called from several threads at once, by `run`.
        """
        self._path = state_dir / SOCKET_NAME
        self._handlers = handlers
        self._run = run
        self._thread = threading.Thread(target=self._serve, name="control")
        self._lock = threading.Lock()  # guards what follows
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._stopping = False
        self._clients: dict[socket.socket, threading.Thread] = {}  # the oldest first

    def start(self) -> None:
        """Start listening. Raises ListenError when the socket cannot be created."""
        try:
            self._listen(self._socket)
        except OSError as problem:
            raise ListenError(f"The control socket {self._path} cannot be created: {problem}.") from problem
        self._thread.start()

    def _listen(self, listener: socket.socket) -> None:
        if self._path.is_dir() and not self._path.is_symlink():
            self._path.rename(self._path.with_name(f"{SOCKET_NAME}.{secrets.token_hex(4)}"))  # nobody needs it there
        self._path.unlink(missing_ok=True)
        os.fchmod(listener.fileno(), 0o600)  # which the file gets: umask(2) would count for all threads
        listener.bind(str(self._path))
        listener.listen(BACKLOG)
        self._inode = self._path.stat().st_ino

    def heartbeat(self) -> float:
        """The present time while the thread runs: a command that takes long is no reason to stop the box."""
        return time.monotonic() if self._thread.is_alive() else -math.inf

    def stop(self) -> None:
        """Stop answering and remove the socket. Does not wait for clients, but for commands that are being run, a
        little.
        """
        with self._lock:
            self._stopping = True
            clients = dict(self._clients)
        if self._thread.is_alive():
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)  # makes `accept` return
            self._thread.join()
        self._socket.close()
        for connection in clients:
            _hang_up(connection)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in clients.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        with suppress(OSError):  # on a failed disk it stays, and nobody answers there
            self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            # Not with a timeout of the socket: after `shutdown`, such a socket says for ever that nobody is there yet.
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            if not poll.poll(1000 * LOOK_SECONDS):
                self._come_back()
                continue
            try:
                connection, _ = self._socket.accept()
            except OSError as problem:
                if self._stopping:
                    return
                _log.warning("A command could not be accepted: %s.", problem.strerror)
                time.sleep(ACCEPT_PAUSE_SECONDS)  # no file descriptors are left, which does not last
                continue
            self._admit(connection)

    def _come_back(self) -> None:
        """Listen anew where somebody removed the socket's file: nobody could ask the box how it is, or stop it."""
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                return
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with self._lock:
            try:
                if self._stopping:
                    listener.close()
                    return
                self._listen(listener)
            except OSError as problem:
                listener.close()
                _log.warning("The control socket is gone and cannot be created again: %s.", problem.strerror)
                return
            self._socket.close()
            self._socket = listener
        _log.warning("The control socket was gone; it was created again.")

    def _admit(self, connection: socket.socket) -> None:
        """Serve a client in a thread. When there are too many, the one that came first is cut off."""
        # A daemon thread, since a command that hangs must not keep the process from ending.
        thread = threading.Thread(target=self._serve_client, args=(connection,), name="control-client", daemon=True)
        with self._lock:
            if self._stopping:
                connection.close()
                return
            if len(self._clients) >= MOST_CLIENTS:
                oldest = next(iter(self._clients))
                del self._clients[oldest]
                _hang_up(oldest)
            self._clients[connection] = thread
        thread.start()

    def _serve_client(self, connection: socket.socket) -> None:
        try:
            with connection:
                self._answer(connection)
        except OSError:
            _log.info("A command closed its connection, or said nothing, before the daemon had answered.")
        finally:
            with self._lock:
                self._clients.pop(connection, None)

    def _answer(self, connection: socket.socket) -> None:
        try:
            peer = _peer(connection)
            request = json.loads(_read_line(connection, REQUEST_SECONDS, LONGEST_REQUEST_BYTES))
            handler = self._handlers[request["command"]]
            who = who_asks(*peer, _claim(request))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            answer: dict[str, Any] = {
                "error": "The running daemon does not know this command. If Leapfrog was updated, restart it."
            }
        else:
            try:
                answer = {"result": self._run(request["command"], handler, request.get("arguments", {}), who)}
            except LeapfrogError as problem:
                answer = {"error": str(problem), "wrong_use": isinstance(problem, UsageError)}
            except Exception:  # a fault in one command must not end the thread that answers them all
                _log.exception("The command %s failed.", request["command"])
                answer = {"error": "The daemon could not answer because of an internal error. Its log has the details."}
        connection.settimeout(CLIENT_TIMEOUT_SECONDS)
        connection.sendall(json.dumps(answer).encode() + b"\n")


def _claim(request: dict[str, Any]) -> Claim:
    """Who the command says that it is run by; an older one says nothing."""
    try:
        return Claim.model_validate(request.get("claim", {}))
    except ValidationError:
        return Claim()


def ask_daemon(state_dir: Path, command: str, *, timeout_seconds: float | None = None, **arguments: Any) -> Any:
    """The daemon's answer to `command`, which may take `timeout_seconds` (by default CLIENT_TIMEOUT_SECONDS).

    Raises DaemonNotRunning when no daemon answers, and UsageError or LeapfrogError with the daemon's own message when
    it refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            _connect(connection, state_dir / SOCKET_NAME)
            connection.settimeout(timeout_seconds or CLIENT_TIMEOUT_SECONDS)
            request = {"command": command, "arguments": arguments, "claim": own_claim().model_dump()}
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(_read_line(connection, timeout_seconds or CLIENT_TIMEOUT_SECONDS))
    except PermissionError as problem:
        raise LeapfrogError(
            f"You have no permission to ask the daemon of {state_dir}. Run this as root or as the daemon's user."
        ) from problem
    except (OSError, ValueError) as problem:
        raise DaemonNotRunning(
            f"No Leapfrog daemon answers in {state_dir}. Start one with `leapfrog run`."
        ) from problem
    if "error" in answer:
        raise (UsageError if answer.get("wrong_use") else LeapfrogError)(answer["error"])
    return answer["result"]


def _connect(connection: socket.socket, path: Path) -> None:
    """Connect, and wait for it while others are before us. Raises OSError, TimeoutError when that takes too long."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(CLIENT_TIMEOUT_SECONDS), 0))
    # Blocking, and so with the kernel's timeout: with one of Python's, connect(2) fails at once when many are waiting.
    connection.settimeout(None)
    try:
        connection.connect(str(path))
    except BlockingIOError as problem:
        raise TimeoutError("The daemon accepts no command.") from problem


def _read_line(connection: socket.socket, seconds: float, most_bytes: float = math.inf) -> bytes:
    """One line. Reading ends early when the peer hangs up. Raises TimeoutError when the line has not come within
    `seconds` as a whole, ValueError when it is longer than `most_bytes`.
    """
    deadline = time.monotonic() + seconds
    received = bytearray()
    while not received.endswith(b"\n"):
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(1 << 16)
        if not part:
            break
        received += part
        if len(received) > most_bytes:
            raise ValueError("The request is too long.")
    return bytes(received)


def _hang_up(connection: socket.socket) -> None:
    """End a client's connection while another thread uses it: whatever it waits for returns or raises OSError."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
