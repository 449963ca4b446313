"""The client of the district server: STOW-RS to store an instance, QIDO-RS to ask whether it is there (PS3.18 chapter
10).

Every failure becomes one of the DistrictErrors. Their texts contain no patient data and no UIDs, because they never
quote what the server wrote.
"""

import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from leapfrog.dicom.part10 import Part10Source
from leapfrog.errors import DistrictLocked, DistrictRefused, DistrictUnclear, DistrictUnreachable
from leapfrog.outbox.destinations.dicomweb.answers import is_temporary, parse_query_answer, parse_store_answer
from leapfrog.outbox.destinations.dicomweb.connection import CuttableAdapter, Timeouts
from leapfrog.outbox.destinations.dicomweb.credentials import authorization, require_tls_files
from leapfrog.outbox.destinations.dicomweb.multipart import MultipartBody, Throttle
from leapfrog.settings import DistrictSettings

# An answer about one instance takes about 1 kB.
ANSWER_LIMIT_BYTES = 1_048_576
READ_BYTES = 65_536
# Orthanc closes an idle connection after 1 s. One that was idle for longer might close just as we begin to send.
KEEP_CONNECTION_SECONDS = 0.7

REFUSALS = {
    HTTPStatus.BAD_REQUEST: "it says that the instance is malformed",
    HTTPStatus.CONFLICT: "the instance conflicts with what it already holds, or it does not accept this kind of object",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the instance is larger than it accepts; raise the limit on the server",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "it does not accept this encoding (transfer syntax)",
    HTTPStatus.UNPROCESSABLE_ENTITY: "it cannot process the instance",
}
LOCKS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
# Nothing was found, or the server has no search. 404 is not among them: any web server answers that, and patients'
# images must not be sent to just any web server.
NOT_FOUND = {HTTPStatus.NO_CONTENT, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
# These concern the server as a whole; other 5xx may be caused by this one instance (dcm4chee-arc-light#3517).
BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE}


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class StowClient:
    """One district server. For one thread; only `cut` may be called from another."""

    def __init__(
        self,
        settings: DistrictSettings,
        throttle: Throttle,
        progress: Callable[[], None],
        timeouts: Timeouts | None = None,
    ) -> None:
        """`progress` is called whenever bytes are about to move. An exception that it raises ends the transfer."""
        self._settings = settings
        self._throttle = throttle
        self._progress = progress
        self._timeouts = timeouts or Timeouts()
        self._adapter = CuttableAdapter(self._timeouts)
        self._last_exchange_at = time.monotonic()
        self._session = requests.Session()
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote addresses with UIDs in them
        self._session.trust_env = False  # only the settings file counts, no environment variables
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._session.headers.update({"Accept": "application/dicom+json", "Accept-Encoding": "identity"})
        self._session.verify = str(settings.ca_file) if settings.ca_file else True
        if settings.client_certificate:
            key = settings.client_key or settings.client_certificate
            self._session.cert = (str(settings.client_certificate), str(key))

    def cut(self) -> None:
        """Break off the transfer that is running, and allow no other. Any thread may call it."""
        self._adapter.cut()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def holds(self, sop_instance_uid: str) -> bool:
        """Whether the server says that it holds this instance. False also if the server has no search.

        Raises DistrictUnreachable when no district server answered, DistrictLocked when it rejected our credentials.
        """
        try:
            answer = self._exchange("GET", "/instances", {"SOPInstanceUID": sop_instance_uid, "limit": "1"})
        except DistrictUnclear as problem:
            raise DistrictUnreachable(str(problem)) from problem
        self._raise_for_link(answer)
        if answer.status in NOT_FOUND:
            return False
        uids = parse_query_answer(answer.body)
        if answer.status != HTTPStatus.OK or uids is None:
            raise DistrictUnreachable(_not_dicomweb_message(answer))
        return sop_instance_uid in uids

    def store(self, source: Part10Source, sop_instance_uid: str) -> None:
        """Send one instance. Returns only if the server confirmed its SOP Instance UID.

        Raises DistrictRefused, DistrictUnclear, DistrictUnreachable or DistrictLocked when it did not, StorageError
        when the file cannot be read.
        """
        body = MultipartBody(source, self._throttle, self._progress)
        answer = self._exchange("POST", "/studies", {}, body)
        if answer.status in REFUSALS:
            raise DistrictRefused(_refusal_message(answer, sop_instance_uid))
        self._raise_for_link(answer)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            raise DistrictUnclear(f"The district server failed while storing the instance (HTTP {answer.status}).")
        result = parse_store_answer(answer.body)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES or (result is None and answer.body):
            raise DistrictUnreachable(_not_dicomweb_message(answer))
        if result is not None and sop_instance_uid in result.failed:
            reason = result.failed[sop_instance_uid]
            if is_temporary(reason):
                raise DistrictUnclear(f"The district server could not store the instance now (reason {reason:04X}).")
            raise DistrictRefused(f"The district server refused the instance (failure reason {reason:04X}).")
        if result is None or sop_instance_uid not in result.stored:
            raise DistrictUnclear("The district server answered without saying that it stored the instance.")

    def _raise_for_link(self, answer: _Answer) -> None:
        if answer.status in LOCKS:
            raise DistrictLocked(
                f"The district server rejected this box's login (HTTP {answer.status}): check district.username,"
                " password_file, token_file and client_certificate; the account must be allowed to store and to search."
            )
        if answer.status in BUSY:
            raise DistrictUnreachable(
                f"The district server is busy or full (HTTP {answer.status}).", _retry_after_seconds(answer.headers)
            )
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise DistrictUnreachable(_redirect_message(answer))

    def _exchange(self, method: str, path: str, query: dict[str, str], body: MultipartBody | None = None) -> _Answer:
        """Send one request and read its whole answer. Redirects are not followed."""
        require_tls_files(self._settings)
        headers = {"Content-Type": body.content_type} if body else {}
        if credentials := authorization(self._settings):
            headers["Authorization"] = credentials
        if time.monotonic() - self._last_exchange_at > KEEP_CONNECTION_SECONDS:
            self._session.close()  # it opens a new connection by itself
        answer_seconds = self._timeouts.answer_seconds if body else self._timeouts.query_seconds
        self._progress()
        with (
            _as_district_errors(),
            self._session.request(
                method,
                self._settings.url + path,
                params=query,
                data=body,
                headers=headers,
                timeout=(self._timeouts.connect_seconds, answer_seconds),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            answer = _Answer(response.status_code, response.headers, self._read(response, answer_seconds))
        self._last_exchange_at = time.monotonic()
        return answer

    def _read(self, response: requests.Response, answer_seconds: float) -> bytes:
        """The answer's body, limited in size and time."""
        received = bytearray()
        deadline = time.monotonic() + answer_seconds
        for part in response.iter_content(READ_BYTES):
            received += part
            self._progress()
            if len(received) > ANSWER_LIMIT_BYTES or time.monotonic() > deadline:
                raise DistrictUnclear("The answer of the district server was too long or took too long.")
        return bytes(received)


@contextmanager
def _as_district_errors() -> Iterator[None]:
    """Turn the exceptions of requests into DistrictErrors. Their own texts quote the address with the UID in it."""
    try:
        yield
    except requests.ConnectTimeout as problem:
        raise DistrictUnreachable("The district server does not answer: check that the link is up.") from problem
    except requests.exceptions.SSLError as problem:
        raise DistrictUnreachable(_tls_message(problem)) from problem
    except requests.ConnectionError as problem:
        if message := _connect_message(problem):
            raise DistrictUnreachable(message) from problem
        raise DistrictUnclear("The connection to the district server broke off.") from problem
    except requests.Timeout as problem:
        raise DistrictUnclear("The district server did not answer in time.") from problem
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError) as problem:
        raise DistrictLocked("district.url is not a valid address: correct it.") from problem
    except requests.RequestException as problem:
        raise DistrictUnclear("The answer of the district server broke off.") from problem
    except OSError as problem:  # the TLS files, which requests opens
        raise DistrictLocked(
            "district.ca_file, client_certificate or client_key cannot be used: check that they are PEM files and"
            " belong together."
        ) from problem


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


def _refusal_message(answer: _Answer, sop_instance_uid: str) -> str:
    text = f"The district server refused the instance: {REFUSALS[HTTPStatus(answer.status)]} (HTTP {answer.status}"
    result = parse_store_answer(answer.body)
    reason = result.failed.get(sop_instance_uid) if result else None
    return f"{text})." if reason is None else f"{text}, failure reason {reason:04X})."


def _not_dicomweb_message(answer: _Answer) -> str:
    if answer.status in (HTTPStatus.OK, HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED):
        return (
            "A web page answered instead of the district server: sign in on the network's login page if it has one, or"
            " correct district.url."
        )
    return (
        f"The answer (HTTP {answer.status}) does not come from a DICOMweb server: check that district.url is the"
        " server's DICOMweb root."
    )


def _redirect_message(answer: _Answer) -> str:
    host = urlsplit(answer.headers.get("Location", "")).hostname or "another page"
    return (
        f"The answer (HTTP {answer.status}) redirects to {host} instead of coming from the district server: sign in on"
        " the network's login page if it has one, or correct district.url."
    )


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    """Retry-After (RFC 9110 section 10.2.3). A date is compared with the server's own clock, as ours may be wrong."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return 0.0
    return max(0.0, wait.total_seconds())
