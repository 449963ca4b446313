"""One request to the district server and its whole answer, under one deadline; whatever fails on the way becomes a
DistrictError here, and nowhere else.

The texts of the errors contain no patient data and no UIDs, because they never quote what the server wrote or what
`requests` says.
"""

import logging
import ssl
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import BinaryIO, Protocol

import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from leapfrog.errors import (
    DistrictAnswerTooLong,
    DistrictLocked,
    DistrictUnclear,
    DistrictUnreachable,
    LeapfrogError,
)
from leapfrog.outbox.destinations.dicomweb.alarm import Alarm
from leapfrog.outbox.destinations.dicomweb.answers import Answer
from leapfrog.outbox.destinations.dicomweb.connection import AnswerBounds, AnswerTooLong, CuttableAdapter
from leapfrog.outbox.destinations.dicomweb.credentials import authorization, require_tls_files
from leapfrog.outbox.destinations.dicomweb.kept_connection import Keeping
from leapfrog.outbox.destinations.dicomweb.multipart import EmptyBody, MultipartBody, PlainBody
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.settings import DestinationSettings

# An answer about one instance takes about 1 kB.
ANSWER_LIMIT_BYTES = 1_048_576
HEAD_LIMIT_BYTES = 262_144  # status line, interim answers, headers, trailers, and what chunks add
READ_BYTES = 65_536
# A link on which a body moves more slowly than this is of no use. The whole exchange may take what that needs.
SLOWEST_BYTES_PER_SECOND = 400
# For looking up the name and connecting to each of its addresses, within the deadline of the whole exchange.
CONNECTING_SECONDS = 120.0
FIRST_FINAL_STATUS = 200
# What zlib understands: gzip and zlib headers. "deflate" without a header, which a few servers send, is not understood.
ZLIB_ANY_HEADER = 47

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where the body of an answer goes."""

    def write(self, part: bytes, /) -> int:
        """Take the next bytes."""


class _Gathered(bytearray):
    def write(self, part: bytes, /) -> int:
        self.extend(part)
        return len(part)


class Exchanges:
    """Requests to one district server, one after the other. For one thread; only `cut` may be called from another."""

    def __init__(
        self,
        settings: DestinationSettings,
        pace: Pace,
        timeouts: Timeouts,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`pace` is told whenever bytes are about to move. A LeapfrogError that it raises ends the transfer. `headers`
        go with each request.
        """
        self._settings = settings
        self._pace = pace
        self._timeouts = timeouts
        self._adapter = CuttableAdapter(timeouts)
        self._keeping = Keeping()
        self._session = requests.Session()
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # its warnings quote addresses with UIDs in them
        self._session.trust_env = False  # only the settings file counts, no environment variables
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._session.headers.update(
            {"Accept": "application/dicom+json", "Accept-Encoding": "gzip, identity", **headers}
        )
        self._verify = str(settings.ca_file) if settings.ca_file else True
        certificate, key = settings.client_certificate, settings.client_key or settings.client_certificate
        self._certificate = (str(certificate), str(key)) if certificate else None

    def cut(self) -> None:
        """Break off the transfer that is running, and allow no other. Any thread may call it."""
        self._adapter.cut()

    def break_off(self) -> None:
        """Break off what is running; others may follow. Any thread may call it."""
        self._adapter.break_off()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def piece_bytes(self) -> int:
        """How much is handed to the connection at a time, so that it is soon sent."""
        return self._adapter.piece_bytes()

    def post(self, path: str, body: MultipartBody | EmptyBody) -> Answer:
        """Send `body`. Raises a DistrictError when there is no whole answer, StorageError when the file cannot be read.

        Redirects are not followed.
        """
        rate = self._pace.throttle.bytes_per_second
        slowest = min(SLOWEST_BYTES_PER_SECOND, rate / 2) if rate else SLOWEST_BYTES_PER_SECOND
        bounds = AnswerBounds(self._timeouts.answer_seconds, ANSWER_LIMIT_BYTES)
        gathered = _Gathered()
        headers = {"Content-Type": body.content_type}
        kept = self._keeping.begin()
        try:
            status, head = self._exchange("POST", path, {}, headers, body, len(body) / slowest, bounds, gathered)
        except DistrictUnclear as problem:
            if not kept.was_closed():
                raise
            raise DistrictUnclear(str(problem), is_nobodys_fault=True) from problem
        kept.served()
        return Answer(status, head, bytes(gathered))

    def put(self, path: str, body: PlainBody) -> Answer:
        """Put `body` in its place. Raises DistrictError when there is no whole answer. Redirects are not followed."""
        bounds = AnswerBounds(self._timeouts.query_seconds, ANSWER_LIMIT_BYTES)
        gathered = _Gathered()
        headers = {"Content-Type": body.content_type}
        seconds = len(body) / SLOWEST_BYTES_PER_SECOND
        status, head = self._exchange("PUT", path, {}, headers, body, seconds, bounds, gathered)
        return Answer(status, head, bytes(gathered))

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Ask a question. Raises DistrictError when there is no whole answer."""
        kept = self._keeping.begin()
        try:
            answer = self._get(path, query or {})
        except DistrictUnclear:
            if not kept.was_closed():
                raise
            return self._get(path, query or {})
        kept.served()
        return answer

    def _get(self, path: str, query: Mapping[str, str]) -> Answer:
        bounds = AnswerBounds(self._timeouts.query_seconds, ANSWER_LIMIT_BYTES)
        gathered = _Gathered()
        status, head = self._exchange("GET", path, query, {}, None, 0.0, bounds, gathered)
        return Answer(status, head, bytes(gathered))

    def download(
        self, path: str, accept: str, sink: BinaryIO, most_bytes: int, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Write what the server answers into `sink`. The answer has no body. `headers` go along, such as which part is
        asked for. Raises DistrictError when there is no whole answer within `most_bytes`, OSError when `sink` cannot be
        written.
        """
        seconds = self._timeouts.query_seconds + most_bytes / SLOWEST_BYTES_PER_SECOND
        every = {"Accept": accept, **(headers or {})}
        writer = _Writer(sink)
        try:
            return Answer(*self._exchange("GET", path, {}, every, None, 0.0, AnswerBounds(seconds, most_bytes), writer))
        except DistrictUnclear:
            if writer.failure is not None:
                raise writer.failure from None
            raise

    def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: MultipartBody | EmptyBody | PlainBody | None,
        send_seconds: float,
        bounds: AnswerBounds,
        sink: Sink,
    ) -> tuple[int, Mapping[str, str]]:
        require_tls_files(self._settings)
        credentials = authorization(self._settings)
        if not self._keeping.is_kept:
            self._session.close()  # it opens a new connection by itself
        self._adapter.bounds = AnswerBounds(bounds.seconds, bounds.byte_count + HEAD_LIMIT_BYTES)
        self._pace.moves()
        with self._errors(), self._deadline(CONNECTING_SECONDS + send_seconds + bounds.seconds):
            with _as_connect_errors():
                every = {**headers, **({"Authorization": credentials} if credentials else {})}
                request = requests.Request(method, self._settings.url + path, every, params=dict(query), data=body)
                # Past Session.request, which looks into where a redirect would lead, and keeps cookies.
                response = self._adapter.send(
                    self._session.prepare_request(request),
                    stream=True,
                    timeout=(self._timeouts.connect_seconds, bounds.seconds),
                    verify=self._verify,
                    cert=self._certificate,
                )
            with response:
                if response.status_code < FIRST_FINAL_STATUS:
                    raise DistrictUnclear("The district server answered that its answer is still to come.")
                self._read(response, bounds.byte_count, sink)
                status, head = response.status_code, dict(response.headers)
        self._keeping.answered()
        return status, requests.structures.CaseInsensitiveDict(head)

    def _read(self, response: requests.Response, limit_bytes: int, sink: Sink) -> None:
        """Pass the answer's body on, decompressed, at most `limit_bytes` of it: a few kB may unpack to gigabytes."""
        unpack = _unpacker(str(response.headers.get("Content-Encoding") or ""))
        left = limit_bytes
        for packed in response.raw.stream(READ_BYTES, decode_content=False):
            self._pace.moves()
            for part in unpack(packed):
                left -= len(part)
                if left < 0:
                    raise AnswerTooLong
                sink.write(part)

    @contextmanager
    def _deadline(self, seconds: float) -> Iterator[None]:
        """Cut the connection from outside when the exchange as a whole takes longer than it can need. What it waits
        for has its own limits; this one holds whatever those overlook.
        """
        alarm = Alarm(seconds, lambda: self._pace.paused_seconds, self._adapter.break_off)
        try:
            yield
        finally:
            alarm.cancel()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """After a failure nobody knows what is still to come on the connection, so that it must go."""
        try:
            with _as_answer_errors():
                yield
        except BaseException:
            self._session.close()
            self._keeping.broke_off()
            raise


class _Writer:
    """Remembers that it was our own disk that failed, and not the network."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.failure: OSError | None = None

    def write(self, part: bytes, /) -> int:
        try:
            return self._sink.write(part)
        except OSError as problem:
            self.failure = problem
            raise


def _unpacker(encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    if encoding.strip().lower() in ("", "identity"):
        return lambda packed: iter((packed,))
    decompressor = zlib.decompressobj(ZLIB_ANY_HEADER)

    def unpack(packed: bytes) -> Iterator[bytes]:
        while packed:
            yield decompressor.decompress(packed, READ_BYTES)
            packed = decompressor.unconsumed_tail

    return unpack


@contextmanager
def _as_connect_errors() -> Iterator[None]:
    """Turn what `requests` raises before there is an answer into DistrictErrors."""
    try:
        yield
    except requests.ConnectTimeout as problem:
        raise DistrictUnreachable(
            "The district server does not answer: check that the link is up.", was_connected=False
        ) from problem
    except requests.exceptions.SSLError as problem:
        raise DistrictUnreachable(_tls_message(problem), was_connected=False) from problem
    except requests.ConnectionError as problem:
        if message := _connect_message(problem):
            raise DistrictUnreachable(message, was_connected=False) from problem
        raise DistrictUnclear("The connection to the district server broke off.") from problem
    except requests.Timeout as problem:
        raise DistrictUnclear("The district server did not answer in time.") from problem
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeEncodeError) as problem:
        raise DistrictLocked("district.url is not a valid address: correct it.") from problem
    except TimeoutError as problem:
        raise DistrictUnclear("The district server did not answer in time.") from problem
    except requests.RequestException as problem:
        raise DistrictUnclear("The answer of the district server broke off.") from problem
    except OSError as problem:  # the TLS files, which requests opens
        raise DistrictLocked(
            "district.ca_file, client_certificate or client_key cannot be used: check that they are PEM files and"
            " belong together."
        ) from problem


@contextmanager
def _as_answer_errors() -> Iterator[None]:
    """Turn everything else that the far side can bring about into DistrictUnclear: libraries raise ValueError,
    OverflowError, AttributeError and more for what they did not expect.
    """
    try:
        yield
    except LeapfrogError:
        raise
    except AnswerTooLong as problem:
        raise DistrictAnswerTooLong("The answer of the district server was too long.") from problem
    except Exception as problem:
        # Only the traceback is logged: the exception's own text may quote what was sent or answered.
        frames = "".join(traceback.format_tb(problem.__traceback__))
        _log.debug("An answer broke off with %s:\n%s", type(problem).__name__, frames)
        raise DistrictUnclear("The answer of the district server broke off or was not understood.") from problem


def _connect_message(problem: requests.ConnectionError) -> str | None:
    """Why no connection could be made; None when there was one."""
    cause = problem.args[0] if problem.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(reason, NameResolutionError):
        return "The name in district.url cannot be looked up: check that the link is up and the name is right."
    if isinstance(reason, NewConnectionError):
        return "The district server cannot be reached: check that the link is up."
    return None


def _tls_message(problem: BaseException) -> str:
    reason = "the other side does not speak TLS"
    error: BaseException | None = problem
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            clock = time.strftime("%Y-%m-%d %H:%M")
            return (
                f"The district server's certificate is not trusted ({error.verify_message}). This box's clock shows"
                f" {clock}. Check the clock and district.ca_file."
            )
        if isinstance(error, ssl.SSLError) and error.reason:
            reason = error.reason.replace("_", " ").lower()
        error = _inner(error)
    return (
        f"No secure connection to the district server could be made ({reason}): check district.url, ca_file,"
        " client_certificate and client_key."
    )


def _inner(error: BaseException) -> BaseException | None:
    candidates = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
    return next((candidate for candidate in candidates if isinstance(candidate, BaseException)), None)
