"""What the HTTP status of an answer says about the link and the district server, whatever was asked."""

from http import HTTPStatus

from leapfrog.errors import DistrictLocked, DistrictUnreachable
from leapfrog.outbox.destinations.dicomweb.answers import Answer, redirect_host, retry_after_seconds

LOCKS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
# These concern the server as a whole; other 5xx may be caused by this one instance (dcm4chee-arc-light#3517).
BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE}


def raise_for_link(answer: Answer) -> None:
    """Raise DistrictLocked or DistrictUnreachable when the status says that no request will do better now."""
    if answer.status in LOCKS:
        raise DistrictLocked(
            f"The district server rejected this box's login (HTTP {answer.status}): check district.username,"
            " password_file, token_file and client_certificate; the account must be allowed to store and to search."
        )
    if answer.status in BUSY:
        raise DistrictUnreachable(
            f"The district server is busy or full (HTTP {answer.status}).", retry_after_seconds(answer.headers)
        )
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        raise DistrictUnreachable(
            f"The answer (HTTP {answer.status}) redirects to {redirect_host(answer.headers) or 'another page'} instead"
            " of coming from the district server: sign in on the network's login page if it has one, or correct"
            " district.url."
        )


def not_dicomweb_message(answer: Answer) -> str:
    """What to tell people when `answer` is no DICOMweb server's."""
    if answer.status in (HTTPStatus.OK, HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED):
        return (
            "A web page answered instead of the district server: sign in on the network's login page if it has one, or"
            " correct district.url."
        )
    return (
        f"The answer (HTTP {answer.status}) does not come from a DICOMweb server: check that district.url is the"
        " server's DICOMweb root."
    )
