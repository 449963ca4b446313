"""The place at the district where this box leaves what it says of itself: one file on a web server, put there by HTTP
PUT (RFC 9110 section 9.3.4, as WebDAV servers take it).
"""

from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from leapfrog.errors import DistrictError, DistrictLocked, DistrictUnclear, DistrictUnreachable
from leapfrog.outbox.destinations.dicomweb.answers import Answer, content_type_of
from leapfrog.outbox.destinations.dicomweb.exchange import Exchanges
from leapfrog.outbox.destinations.dicomweb.multipart import PlainBody
from leapfrog.outbox.destinations.dicomweb.status import raise_for_link
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.settings import DestinationSettings, Settings
from leapfrog.settings.destinations import Access

CONTENT_TYPE = "application/json"
TAKEN = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT}
NO_PLACE = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE}
NO_PUT = {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}


class StatePlace:
    """For one thread; only `cut` may be called from another."""

    def __init__(self, settings: Settings, pace: Pace, timeouts: Timeouts | None = None) -> None:
        """[fleet] of `settings` names it, and the keys of [district] let this box in."""
        access = {key: getattr(settings.district, key) for key in Access.model_fields}
        self._access = DestinationSettings(name="fleet", url=settings.fleet.url, **access)
        self._pace = pace
        self._exchanges = Exchanges(self._access, pace, timeouts or Timeouts())

    def put(self, content: bytes) -> None:
        """Leave `content` there. Returns only if the server said that it has it.

        Raises DistrictLocked when a person must change something, DistrictUnreachable or DistrictUnclear when it may
        succeed later. Their sentences speak of fleet.url.
        """
        try:
            answer = self._exchanges.put("", PlainBody(content, CONTENT_TYPE, self._pace))
            self._require_taken(answer)
        except DistrictError as problem:
            problem.args = (str(problem).replace("district.url", "fleet.url"),)
            raise

    def _require_taken(self, answer: Answer) -> None:
        status = answer.status
        if status == HTTPStatus.FORBIDDEN:
            raise DistrictLocked(self._why_forbidden())
        if status == HTTPStatus.UNAUTHORIZED:
            raise DistrictLocked(
                "The district server rejected this box's login (HTTP 401): check district.username, password_file,"
                " token_file and client_certificate."
            )
        raise_for_link(answer)
        if status in NO_PLACE:
            raise DistrictLocked(
                f"The district server has no place for this box's state at fleet.url (HTTP {status}): correct that, or"
                " have the folder made there."
            )
        if status in NO_PUT:
            raise DistrictLocked(
                f"The district server takes no files at fleet.url (HTTP {status}): correct that, or allow PUT there"
                " (nginx: dav_methods PUT)."
            )
        if status == HTTPStatus.OK and "html" in content_type_of(answer.headers).lower():
            raise DistrictUnclear(
                "A web page answered instead of the district server: sign in on the network's login page if it has one,"
                " or correct fleet.url."
            )
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise DistrictLocked(
                f"The district server does not take this box's state at fleet.url (HTTP {status}): look into its log."
            )
        if status not in TAKEN:
            raise DistrictUnreachable(
                f"The district server could not keep this box's state (HTTP {status}): the folder is missing there, or"
                " its disk is full."
            )

    def _why_forbidden(self) -> str:
        """A district lets a box write one file only: that of the name in its certificate."""
        place = Path(urlsplit(self._access.url).path).name
        name = name_in_certificate(self._access.client_certificate)
        if name and place != f"{name}.json":
            return (
                f"The district server lets this box leave no file {place} (HTTP 403): its certificate"
                f" (district.client_certificate) names {name}, so fleet.url should end in /{name}.json."
            )
        return (
            f"The district server does not let this box leave {place} (HTTP 403): fleet.url must end in the name that"
            " the district gave this box in its certificate (district.client_certificate), and .json; or the district"
            " has taken that certificate back, or it has ended."
        )

    def cut(self) -> None:
        """Break off what is running, and allow nothing else. Any thread may call it."""
        self._exchanges.cut()

    def close(self) -> None:
        """Close the connection."""
        self._exchanges.close()


def name_in_certificate(path: Path | None) -> str:
    """The common name in a certificate; "" where there is none, or it cannot be read."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    if path is None:
        return ""
    try:
        subject = x509.load_pem_x509_certificate(path.read_bytes()).subject
    except (OSError, ValueError):
        return ""
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
