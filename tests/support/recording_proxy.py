"""A proxy in front of a district server that counts what is sent and can fail in the ways that links do.

It understands just enough HTTP/1.1: requests with Content-Length, one exchange after the other on a connection.
"""

import http.client
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from io import BufferedReader, BytesIO
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import pydicom

from support.ports import free_port

READ_BYTES = 65_536
ACCEPT_POLL_SECONDS = 0.05
UPSTREAM_TIMEOUT_SECONDS = 20.0
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length"}
# Linger on, for 0 seconds: closing sends a reset.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class CutAnswer:
    """The request reaches the server whole; its answer is lost."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset after so many bytes of the body; nothing reaches the server."""

    after_bytes: int = 0


@dataclass(frozen=True)
class Stall:
    """After so many bytes of the body nothing is read or answered any more, until the client goes away."""

    after_bytes: int = 0


@dataclass(frozen=True)
class Answer:
    """The proxy answers by itself; nothing reaches the server."""

    status: int
    body: bytes = b""
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RawAnswer:
    """These bytes are sent as they are, one part after the other with a pause between them, over and over if `endless`;
    then the connection is closed, or reset. The request reaches the server only if `forwards`.
    """

    parts: tuple[bytes, ...]
    pause_seconds: float = 0.0
    endless: bool = False
    forwards: bool = False
    resets: bool = False


@dataclass(frozen=True)
class HalfAnswer:
    """The request reaches the server whole. Only this share (0 to 1) of its answer comes, then a reset."""

    share: float


Mishap = CutAnswer | Reset | Stall | Answer | RawAnswer | HalfAnswer
Method = Literal["GET", "POST", "*"]


@dataclass(frozen=True)
class Exchange:
    """One request as it was seen. `sop_instance_uids`: of each instance in a POST, or in the question of a GET."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    sop_instance_uids: tuple[str, ...]


class RecordingProxy:
    """Listens on a free loopback port, forwards to `upstream`, and remembers every whole request."""

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None, *, keep_bodies: bool = True) -> None:
        """`upstream` is the root that the clients would otherwise use, such as http://127.0.0.1:8042/dicom-web.

        With `tls` the proxy speaks TLS to its clients, as a web server in front of a district server does. Without
        `keep_bodies` it remembers what was asked and of which instances, but not the bytes: for thousands of them.
        """
        self._keep_bodies = keep_bodies
        target = urlsplit(upstream)
        self._upstream = (target.hostname or "127.0.0.1", target.port or 80)
        self.port = free_port()
        self._tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}{target.path}"
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._plans: deque[tuple[Method, Mishap]] = deque()
        self._standing: Callable[[Exchange], Mishap | None] = lambda exchange: None
        self._before_body: Callable[[str], Mishap | None] = lambda method: None
        self._begun_posts = 0
        self._bytes_received = 0
        self._connections_made = 0
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    # ------------------------------------------------------------ what was seen

    @property
    def exchanges(self) -> list[Exchange]:
        """Every request whose body came whole, oldest first."""
        with self._lock:
            return list(self._exchanges)

    @property
    def posts(self) -> Counter[str]:
        """How many whole POSTs there were for each SOP Instance UID, whatever was answered."""
        return Counter(uid for each in self.exchanges if each.method == "POST" for uid in each.sop_instance_uids)

    @property
    def posted_in_order(self) -> list[str]:
        """The SOP Instance UIDs of the whole POSTs, oldest first."""
        return [uid for each in self.exchanges if each.method == "POST" for uid in each.sop_instance_uids]

    @property
    def begun_posts(self) -> int:
        """How many POSTs began, whole or not."""
        with self._lock:
            return self._begun_posts

    @property
    def bytes_received(self) -> int:
        """How many bytes of bodies came, of whole requests or not."""
        with self._lock:
            return self._bytes_received

    @property
    def open_connections(self) -> int:
        """How many connections from clients there are now."""
        with self._lock:
            return len(self._connections)

    @property
    def connections_made(self) -> int:
        """How many connections clients have ever made."""
        with self._lock:
            return self._connections_made

    # ------------------------------------------------------------ what goes wrong

    def plan(self, *mishaps: Mishap, method: Method = "POST") -> None:
        """Each of `mishaps` befalls one of the next requests of that method, in this order."""
        with self._lock:
            self._plans.extend((method, mishap) for mishap in mishaps)

    def always(self, choose: Callable[[Exchange], Mishap | None]) -> None:
        """Ask `choose` for every whole request that no plan befalls; None lets it pass."""
        self._standing = choose

    def always_before_body(self, choose: Callable[[str], Mishap | None]) -> None:
        """Ask `choose` for each request by its method, before its body is read, if no plan befalls it."""
        self._before_body = choose

    def up(self) -> Self:
        """Listen, on the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(16)
        listener.settimeout(ACCEPT_POLL_SECONDS)
        if self._tls is not None:
            listener = self._tls.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), name="proxy", daemon=True)
        self._acceptor.start()
        return self

    def down(self) -> None:
        """Listen no more and drop every connection: the next attempt to connect is refused."""
        listener, self._listener = self._listener, None
        if listener is None or self._acceptor is None:
            return
        self._acceptor.join()
        listener.close()
        with self._lock:
            for connection in self._connections:
                _shut_down(connection)

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    # ------------------------------------------------------------ one connection

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            with self._lock:
                self._connections.add(connection)
                self._connections_made += 1
            threading.Thread(target=self._serve, args=(connection,), name="proxy exchange", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            with connection, connection.makefile("rb") as stream:
                while self._exchange(connection, stream):
                    pass
        except (OSError, ValueError):
            pass  # the client went away, or `down` dropped it
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _exchange(self, connection: socket.socket, stream: BufferedReader) -> bool:
        """Serve one request. Returns whether the connection stays."""
        first = stream.readline().decode("latin-1").split()
        if len(first) != 3:
            return False
        method, path, _ = first
        headers = dict(http.client.parse_headers(stream).items())
        mishap = self._next_planned(method)
        body = self._read_body(connection, stream, int(headers.get("Content-Length", "0")), method, mishap)
        if body is None:
            return False
        seen = Exchange(method, path, headers, body, _uids(method, path, body))
        mishap = mishap or self._standing(seen)
        if isinstance(mishap, Answer):
            self._remember(seen)
            _respond(connection, mishap)
            return True
        if isinstance(mishap, RawAnswer) and not mishap.forwards:
            self._remember(seen)
            return _send_raw(connection, mishap)
        try:
            answer = self._forward(seen)
        except OSError:
            return False
        self._remember(seen)
        if isinstance(mishap, CutAnswer):
            return False
        if isinstance(mishap, RawAnswer):
            return _send_raw(connection, mishap)
        if isinstance(mishap, HalfAnswer):
            whole = _as_bytes(answer)
            return _send_raw(connection, RawAnswer((whole[: round(len(whole) * mishap.share)],), resets=True))
        _respond(connection, answer)
        return True

    def _next_planned(self, method: str) -> Mishap | None:
        with self._lock:
            self._begun_posts += method == "POST"
            if self._plans and self._plans[0][0] in (method, "*"):
                return self._plans.popleft()[1]
        return self._before_body(method)

    def _remember(self, exchange: Exchange) -> None:
        if not self._keep_bodies:
            exchange = replace(exchange, body=b"")
        with self._lock:
            self._exchanges.append(exchange)

    def _read_body(
        self, connection: socket.socket, stream: BufferedReader, length: int, method: str, mishap: Mishap | None
    ) -> bytes | None:
        """The whole body, or None when the connection is to be closed."""
        limit = min(length, mishap.after_bytes) if isinstance(mishap, Reset | Stall) else length
        body = bytearray()
        while len(body) < limit:
            part = stream.read1(min(READ_BYTES, limit - len(body)))
            if not part:
                return None
            body += part
            with self._lock:
                self._bytes_received += len(part)
        if isinstance(mishap, Reset):
            _reset_on_close(connection)
            stream.close()
            return None
        if isinstance(mishap, Stall):
            _wait_until_gone(connection)
            return None
        return bytes(body)

    def _forward(self, exchange: Exchange) -> Answer:
        upstream = http.client.HTTPConnection(*self._upstream, timeout=UPSTREAM_TIMEOUT_SECONDS)
        try:
            headers = {key: value for key, value in exchange.headers.items() if key.lower() not in HOP_HEADERS}
            upstream.request(exchange.method, exchange.path, exchange.body, headers)
            answer = upstream.getresponse()
            body = answer.read()
        except http.client.HTTPException as problem:
            raise ConnectionError from problem
        finally:
            upstream.close()
        kept = {key: value for key, value in answer.getheaders() if key.lower() not in {*HOP_HEADERS, "content-type"}}
        return Answer(answer.status, body, answer.getheader("Content-Type", ""), kept)


def _respond(connection: socket.socket, answer: Answer) -> None:
    connection.sendall(_as_bytes(answer))


def _as_bytes(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, 'Status')}"]
    lines += [f"{key}: {value}" for key, value in answer.headers.items()]
    if answer.content_type:
        lines.append(f"Content-Type: {answer.content_type}")
    if answer.status != http.client.NO_CONTENT:
        lines.append(f"Content-Length: {len(answer.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


def _send_raw(connection: socket.socket, answer: RawAnswer) -> bool:
    """Send the bytes until the client goes away, if they are endless. The connection is over after that."""
    while True:
        for part in answer.parts:
            connection.sendall(part)
            time.sleep(answer.pause_seconds)
        if not answer.endless:
            break
    if answer.resets:
        _reset_on_close(connection)
    return False


def _reset_on_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


def _wait_until_gone(connection: socket.socket) -> None:
    """Leave what comes unread, so that the client's buffers fill, until the client closes or resets."""
    while True:
        information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        if information[0] != 1:  # TCP_ESTABLISHED
            return
        time.sleep(ACCEPT_POLL_SECONDS)


def _shut_down(connection: socket.socket) -> None:
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return


def _uids(method: str, path: str, body: bytes) -> tuple[str, ...]:
    if method != "POST":
        return tuple(re.findall(r"SOPInstanceUID=([0-9.]+)", path))
    return tuple(str(pydicom.dcmread(BytesIO(part), stop_before_pixels=True).SOPInstanceUID) for part in _parts(body))


def _parts(body: bytes) -> list[bytes]:
    """The payloads of a multipart body, delimited as RFC 2046 section 5.1.1 says."""
    delimiter = b"\r\n" + body.partition(b"\r\n")[0]
    payloads = (b"\r\n" + body).split(delimiter)[1:-1]
    return [payload.partition(b"\r\n\r\n")[2] for payload in payloads]
