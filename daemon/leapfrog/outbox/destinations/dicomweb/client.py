"""The client of the district server: STOW-RS to store one instance, QIDO-RS to ask for one (PS3.18 chapter 10).

Every way in which an exchange can end becomes one of the DistrictErrors, in words without patient data and without
UIDs: what the far side wrote never gets into them.
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
from leapfrog.outbox.destinations.dicomweb.answers import parse_query_answer, parse_store_answer, passes_by_itself
from leapfrog.outbox.destinations.dicomweb.connection import CuttableAdapter, Timeouts
from leapfrog.outbox.destinations.dicomweb.credentials import authorization, require_tls_files
from leapfrog.outbox.destinations.dicomweb.multipart import MultipartBody, Throttle
from leapfrog.settings import DistrictSettings

# The answer about one instance has about 1 kB.
ANSWER_LIMIT_BYTES = 1_048_576
READ_BYTES = 65_536
# Orthanc closes a kept connection after 1 s; one that idled for longer might close while we begin to send.
KEEP_CONNECTION_SECONDS = 0.7

REFUSALS = {
    HTTPStatus.BAD_REQUEST: "it calls the instance malformed",
    HTTPStatus.CONFLICT: "it has a conflict with what it holds, or does not take this kind of object",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the instance is larger than it takes: its limit must be raised",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "it does not take this encoding (transfer syntax)",
    HTTPStatus.UNPROCESSABLE_ENTITY: "it cannot process the instance",
}
LOCKS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
# Nothing found, or a server without a search. Not 404, which any web server gives: patients' images are not sent there.
NOT_FOUND = {HTTPStatus.NO_CONTENT, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
# These speak of the server's whole state; other 5xx may come from this very instance (dcm4chee-arc-light#3517).
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
        """`progress` is called whenever bytes are about to move; what it raises ends the transfer."""
        self._settings = settings
        self._throttle = throttle
        self._progress = progress
        self._timeouts = timeouts or Timeouts()
        self._adapter = CuttableAdapter(self._timeouts)
        self._last_exchange_at = time.monotonic()
        self._session = requests.Session()
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote addresses with UIDs in them
        self._session.trust_env = False  # the settings file decides, no variable of the environment
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._session.headers.update({"Accept": "application/dicom+json", "Accept-Encoding": "identity"})
        self._session.verify = str(settings.ca_file) if settings.ca_file else True
        if settings.client_certificate:
            key = settings.client_key or settings.client_certificate
            self._session.cert = (str(settings.client_certificate), str(key))

    def cut(self) -> None:
        """End what is under way at once, for good. Any thread may call it."""
        self._adapter.cut()

    def close(self) -> None:
        """Close the kept connection."""
        self._session.close()

    def holds(self, sop_instance_uid: str) -> bool:
        """Whether the server says that it holds this instance; False also when it cannot be asked.

        Raises DistrictUnreachable when no district server answered, DistrictLocked when it does not let us in.
        """
        try:
            answer = self._exchange("GET", "/instances", {"SOPInstanceUID": sop_instance_uid, "limit": "1"})
        except DistrictUnclear as problem:
            raise DistrictUnreachable(str(problem)) from problem
        self._raise_for_link(answer)
        if answer.status in NOT_FOUND:
            return False
        found = parse_query_answer(answer.body)
        if answer.status != HTTPStatus.OK or found is None:
            raise DistrictUnreachable(_not_a_district(answer))
        return sop_instance_uid in found

    def store(self, source: Part10Source, sop_instance_uid: str) -> None:
        """Send one instance; returning means that the server confirmed this very SOP Instance UID.

        Raises DistrictRefused, DistrictUnclear, DistrictUnreachable or DistrictLocked when it did not, StorageError
        when the file cannot be read.
        """
        body = MultipartBody(source, self._throttle, self._progress)
        answer = self._exchange("POST", "/studies", {}, body)
        if answer.status in REFUSALS:
            raise DistrictRefused(_refusal(answer, sop_instance_uid))
        self._raise_for_link(answer)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            raise DistrictUnclear(f"The district server failed over the instance (HTTP {answer.status}).")
        said = parse_store_answer(answer.body)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES or (said is None and answer.body):
            raise DistrictUnreachable(_not_a_district(answer))
        if said is not None and sop_instance_uid in said.failed:
            reason = said.failed[sop_instance_uid]
            if passes_by_itself(reason):
                raise DistrictUnclear(f"The district server could not store the instance now (reason {reason:04X}).")
            raise DistrictRefused(f"The district server refused the instance (failure reason {reason:04X}).")
        if said is None or sop_instance_uid not in said.stored:
            raise DistrictUnclear("The district server answered without saying that it stored the instance.")

    def _raise_for_link(self, answer: _Answer) -> None:
        if answer.status in LOCKS:
            raise DistrictLocked(
                f"The district server does not let this box in (HTTP {answer.status}): check district.username,"
                " password_file, token_file and client_certificate; the account must be allowed to store and to search."
            )
        if answer.status in BUSY:
            raise DistrictUnreachable(
                f"The district server takes nothing now (HTTP {answer.status}).", _retry_after_seconds(answer.headers)
            )
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise DistrictUnreachable(_redirected(answer))

    def _exchange(self, method: str, path: str, query: dict[str, str], body: MultipartBody | None = None) -> _Answer:
        """One request and its whole answer, without following a redirection."""
        require_tls_files(self._settings)
        headers = {"Content-Type": body.content_type} if body else {}
        if credentials := authorization(self._settings):
            headers["Authorization"] = credentials
        if time.monotonic() - self._last_exchange_at > KEEP_CONNECTION_SECONDS:
            self._session.close()  # it opens a new connection by itself
        answer_seconds = self._timeouts.answer_seconds if body else self._timeouts.query_seconds
        self._progress()
        with (
            _in_our_words(),
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
        """The answer's body, which may neither be endless nor trickle for ever."""
        received = bytearray()
        deadline = time.monotonic() + answer_seconds
        for part in response.iter_content(READ_BYTES):
            received += part
            self._progress()
            if len(received) > ANSWER_LIMIT_BYTES or time.monotonic() > deadline:
                raise DistrictUnclear("The answer was no answer of a DICOMweb server: it did not end.")
        return bytes(received)


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Turn what requests raises into DistrictErrors; its own texts carry the address with the UID in it."""
    try:
        yield
    except requests.ConnectTimeout as problem:
        raise DistrictUnreachable("The district server does not answer: is the link up?") from problem
    except requests.exceptions.SSLError as problem:
        raise DistrictUnreachable(_tls_words(problem)) from problem
    except requests.ConnectionError as problem:
        if words := _connect_words(problem):
            raise DistrictUnreachable(words) from problem
        raise DistrictUnclear("The connection to the district server broke off.") from problem
    except requests.Timeout as problem:
        raise DistrictUnclear("The district server did not answer in time.") from problem
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError) as problem:
        raise DistrictLocked("district.url is no usable address: correct it.") from problem
    except requests.RequestException as problem:
        raise DistrictUnclear("The answer of the district server broke off.") from problem
    except OSError as problem:  # the TLS files, which requests opens
        raise DistrictLocked(
            "district.ca_file, client_certificate or client_key cannot be used: check that they are PEM files which"
            " belong together."
        ) from problem


def _connect_words(problem: requests.ConnectionError) -> str | None:
    """Why no connection came about; None when one did."""
    cause = problem.args[0] if problem.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(reason, NameResolutionError):
        return "The name in district.url cannot be looked up: is the link up, and is the name right?"
    if isinstance(reason, NewConnectionError):
        return "The district server cannot be reached: is the link up?"
    return None


def _tls_words(problem: BaseException) -> str:
    reason = "something on the way does not speak TLS"
    error: BaseException | None = problem
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            clock = time.strftime("%Y-%m-%d %H:%M")
            return (
                f"The certificate of the district server is not trusted ({error.verify_message}); the clock of this"
                f" box says {clock}. Check the clock and district.ca_file."
            )
        if isinstance(error, ssl.SSLError) and error.reason:
            reason = error.reason.replace("_", " ").lower()
        error = _inner(error)
    return (
        f"No secure connection to the district server came about ({reason}): check district.url, ca_file,"
        " client_certificate and client_key."
    )


def _inner(error: BaseException) -> BaseException | None:
    candidates = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
    return next((each for each in candidates if isinstance(each, BaseException)), None)


def _refusal(answer: _Answer, sop_instance_uid: str) -> str:
    text = f"The district server refused the instance: {REFUSALS[HTTPStatus(answer.status)]} (HTTP {answer.status}"
    said = parse_store_answer(answer.body)
    reason = said.failed.get(sop_instance_uid) if said else None
    return f"{text})." if reason is None else f"{text}, failure reason {reason:04X})."


def _not_a_district(answer: _Answer) -> str:
    if answer.status in (HTTPStatus.OK, HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED):
        return (
            "A web page answered in place of the district server: sign in at the network's own page if it has one, or"
            " correct district.url."
        )
    return f"HTTP {answer.status} is no answer of a DICOMweb server: is district.url its DICOMweb root?"


def _redirected(answer: _Answer) -> str:
    host = urlsplit(answer.headers.get("Location", "")).hostname or "another page"
    return (
        f"HTTP {answer.status} sends us to {host} in place of the district server: sign in at the network's own page if"
        " it has one, or correct district.url."
    )


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    """Retry-After (RFC 9110 section 10.2.3); a date is measured against the server's own clock, ours may be wrong."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return 0.0
    return max(0.0, wait.total_seconds())
