"""One IPP request over HTTP, and its answer, under one deadline. Whatever fails on the way is a PrinterUnreachable."""

import http.client
import math
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from leapfrog.errors import PrinterUnreachable
from leapfrog.printing.ipp.place import Place
from leapfrog.wording.print_words import (
    ASKS_FOR_LOGIN,
    BROKE_OFF,
    NOT_AN_IPP_ANSWER,
    REFUSED_CONNECTION,
    SILENT,
    WANTS_TLS,
)

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 20.0
SLOWEST_BYTES_PER_SECOND = 20_000  # at which a sheet is sent
LONGEST_ANSWER_BYTES = 4_000_000
OK = 200
LOGIN_WANTED, TLS_WANTED = (401, 403), 426


class Exchanges:
    """Requests to one print server, each over a connection of its own. For one thread; only `cut` may be called from
    another.
    """

    def __init__(self, place: Place) -> None:
        """Nothing is sent yet."""
        self._place = place
        self._lock = threading.Lock()  # guards the two below
        self._connection: http.client.HTTPConnection | None = None
        self._cut = False

    @staticmethod
    def seconds_for(byte_count: int) -> float:
        """The longest time that a request of so many bytes may take."""
        return CONNECT_SECONDS + ANSWER_SECONDS + byte_count / SLOWEST_BYTES_PER_SECOND

    def cut(self) -> None:
        """Break off the request that is running, and allow no other. Any thread may call it."""
        with self._lock:
            self._cut = True
            _break_off(self._connection)

    def post(self, content: bytes, patience: float = math.inf) -> bytes:
        """Send `content`; returns the body of the answer. `patience`: how many seconds that may take at most. Raises
        PrinterUnreachable.
        """
        connection = self._connect()
        too_late = threading.Event()
        try:
            with self._deadline(connection, too_late, min(patience, self.seconds_for(len(content)))):
                connection.request("POST", self._place.path, content, {"Content-Type": "application/ipp"})
                response = connection.getresponse()
                body = response.read(LONGEST_ANSWER_BYTES + 1)
                status = response.status
        except TimeoutError:
            raise PrinterUnreachable(SILENT.format(server=self._place.server)) from None
        except (OSError, http.client.HTTPException, ValueError) as problem:
            if too_late.is_set():
                raise PrinterUnreachable(SILENT.format(server=self._place.server)) from None
            raise PrinterUnreachable(self._why(problem)) from problem
        finally:
            with self._lock:
                self._connection = None
            connection.close()
        if too_late.is_set():  # what came is a part, which may look whole
            raise PrinterUnreachable(SILENT.format(server=self._place.server))
        if status in LOGIN_WANTED:
            raise PrinterUnreachable(ASKS_FOR_LOGIN.format(server=self._place.server))
        if status == TLS_WANTED:
            raise PrinterUnreachable(WANTS_TLS.format(server=self._place.server))
        if status != OK or len(body) > LONGEST_ANSWER_BYTES:
            raise PrinterUnreachable(NOT_AN_IPP_ANSWER.format(server=self._place.server))
        return body

    def _connect(self) -> http.client.HTTPConnection:
        place = self._place
        connection: http.client.HTTPConnection
        if place.socket is not None:
            connection = _OverSocket(str(place.socket))
        elif place.tls:
            # Printers sign their certificates themselves; CUPS does not check them either (client.conf(5)).
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = _OverTls(place.host, place.port, context)
        else:
            connection = _OverTcp(place.host, place.port, timeout=CONNECT_SECONDS)
        with self._lock:
            if self._cut:
                raise PrinterUnreachable(BROKE_OFF.format(server=place.server))
            self._connection = connection
        return connection

    def _why(self, problem: Exception) -> str:
        refused = isinstance(problem, ConnectionRefusedError | FileNotFoundError | socket.gaierror | PermissionError)
        unreached = (
            isinstance(problem, OSError) and problem.errno is not None and not isinstance(problem, ConnectionError)
        )
        sentence = REFUSED_CONNECTION if refused or unreached else BROKE_OFF
        return sentence.format(server=self._place.server)

    @contextmanager
    def _deadline(
        self, connection: http.client.HTTPConnection, too_late: threading.Event, seconds: float
    ) -> Iterator[None]:
        """Cut the connection when the whole takes too long, however often a few bytes come, and note that."""

        def end() -> None:
            too_late.set()
            _break_off(connection)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


class _OverTcp(http.client.HTTPConnection):
    """HTTP over TCP. The socket is there before it connects, so that it can be cut while it does."""

    def connect(self) -> None:
        problem = OSError("no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            self.sock = socket.socket(family, kind, protocol)
            self.sock.settimeout(self.timeout)
            try:
                self.sock.connect(address)
            except OSError as failure:
                problem = failure
                self.sock.close()
            else:
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as the class above does
                return
        raise problem


class _OverTls(_OverTcp):
    """HTTP over TLS."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self._context = context

    def connect(self) -> None:
        super().connect()
        wrapped = self._context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock = wrapped
        wrapped.do_handshake()


class _OverSocket(http.client.HTTPConnection):
    """HTTP over a socket of this machine, as CUPS listens on."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=CONNECT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(self._path)


def _break_off(connection: http.client.HTTPConnection | None) -> None:
    found = connection.sock if connection is not None else None
    if found is not None:
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)
