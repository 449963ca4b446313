"""Faults of the district and of the link to it. Nothing is lost or sent twice, and the box does nothing else worse."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from faults.each.fault import Bringing, Fault, Scene
from support.recording_proxy import Answer, CutAnswer, Exchange, Mishap, RawAnswer, Reset
from support.waiting import wait_until

ODD_SECONDS = 15.0
BAD_INSTANCES = 16
FILM_SECONDS = 60.0
STORE_ANSWER = "application/dicom+json"
FAILED_SOP_SEQUENCE, FAILURE_REASON, REFERENCED_SOP_INSTANCE_UID = "00081198", "00081197", "00081155"


def _answers(answer: Callable[[Exchange], Mishap | None], *methods: str) -> Bringing:
    """The district can be reached, and answers like that to requests with these methods (none: to all)."""

    @contextmanager
    def bring(scene: Scene) -> Iterator[None]:
        scene.site.proxy.always(
            lambda exchange: answer(exchange) if exchange.method in (methods or "GET POST") else None
        )
        scene.district_back()
        yield
        scene.site.proxy.always(lambda exchange: None)

    return bring


def _always(answer: Mishap, *methods: str) -> Bringing:
    return _answers(lambda exchange: answer, *methods)


def _failed(exchange: Exchange, reason: object) -> bytes:
    """The answer of a server that stored none of it."""
    items = [
        {
            REFERENCED_SOP_INSTANCE_UID: {"vr": "UI", "Value": [uid]},
            FAILURE_REASON: {"vr": "US", "Value": [reason]},
        }
        for uid in exchange.sop_instance_uids
    ]
    return json.dumps({FAILED_SOP_SEQUENCE: {"vr": "SQ", "Value": items}}).encode()


def _refuses(status: int, reason: int) -> Bringing:
    """Every POST is refused with that failure reason."""
    return _answers(lambda exchange: Answer(status, _failed(exchange, reason), STORE_ANSWER), "POST")


def _long_number(exchange: Exchange) -> Answer:
    return Answer(409, _failed(exchange, 4711).replace(b"4711", b"9" * 5000), STORE_ANSWER)


def _xml(content: bytes) -> Answer:
    return Answer(200, content, "application/dicom+xml")


def _header(name: str, value: str, status: int) -> Answer:
    return Answer(status, b"", "text/plain", {name: value})


def _raw(*parts: bytes) -> RawAnswer:
    return RawAnswer((b"".join(parts),))


JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"


@contextmanager
def _flapping(scene: Scene) -> Iterator[None]:
    """Every second connection is reset, or loses its answer."""
    numbers = itertools.count()

    def choose(exchange: Exchange) -> Mishap | None:
        return (None, CutAnswer(), None, Answer(503))[next(numbers) % 4]

    scene.site.proxy.always(choose)
    scene.site.proxy.plan(*(Reset(after) for after in (0, 1000, 100_000)))
    scene.district_back()
    yield
    scene.site.proxy.always(lambda exchange: None)


@contextmanager
def _fails_some(scene: Scene) -> Iterator[None]:
    """The district always fails 16 instances: the next film is sent all the same."""
    bad = {film.sop_instance_uid for film in scene.stored(BAD_INSTANCES)}

    def choose(exchange: Exchange) -> Mishap | None:
        return Answer(500) if exchange.method == "POST" and bad & set(exchange.sop_instance_uids) else None

    scene.site.proxy.always(choose)
    scene.district_back()
    (film,) = scene.stored()
    try:
        wait_until(lambda: scene.site.orthanc.held()[film.sop_instance_uid], "", deadline_seconds=FILM_SECONDS)
    except AssertionError:
        scene.expect(False, f"another film is sent within {FILM_SECONDS:.0f} s")
    yield
    scene.site.proxy.always(lambda exchange: None)


@contextmanager
def _other_content(scene: Scene) -> Iterator[None]:
    """The district holds another picture under the UID of a film: that confirms nothing."""
    film, other = scene.film(), scene.film()
    foreign = other.path.read_bytes().replace(other.sop_instance_uid.encode(), film.sop_instance_uid.encode())
    scene.site.orthanc.add(foreign)
    scene.site.senders.seconds_until_stored(film, 0.0, float("inf"))
    scene.district_back()
    scene.site.settle()
    scene.site.senders.stored.pop(film.sop_instance_uid)  # it cannot be at the district under its own UID
    query = f"SELECT 1 FROM deliveries WHERE sop_instance_uid = '{film.sop_instance_uid}' AND state = 'confirmed'"
    scene.expect(not scene.site.kiosk.rows(query), "other content under its UID confirms no film")
    yield


ODD: Mapping[str, Bringing] = {
    "a FailureReason of 5,000 digits": _answers(_long_number, "POST"),
    "XML nested 100,000 deep": _always(_xml(b"<a>" * 100_000 + b"</a>" * 100_000), "POST"),
    "an unknown character set": _always(Answer(200, b"{}", "application/dicom+json; charset=klingon")),
    "utf-7": _always(Answer(200, b"+ADw-html+AD4-", "text/html; charset=utf-7")),
    "a Location without a host": _always(_header("Location", "http://", 307)),
    "a Location that is no address": _always(_header("Location", "http://[::1/", 302)),
    "a Retry-After with a zone": _always(_header("Retry-After", "Fri, 31 Dec 1999 23:59:59 +0300", 503)),
    "a negative Retry-After": _always(_header("Retry-After", "-5", 503)),
    "a Retry-After of 5,000 digits": _always(_header("Retry-After", "9" * 5000, 503)),
    "a chunk size of -5": _always(_raw(JSON_HEAD, b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n")),
    "headers without an end": _always(
        RawAnswer((JSON_HEAD, *[b"X-Filler: and so on\r\n" * 1000] * 100), pause_seconds=0.1, endless=True)
    ),
    "one byte each 2 seconds": _always(
        RawAnswer(tuple(bytes([byte]) for byte in JSON_HEAD + b"\r\n{}"), pause_seconds=2.0)
    ),
    "half an answer": _always(_raw(JSON_HEAD, b"Content-Length: 1000\r\n\r\n{")),
    "no HTTP at all": _always(_raw(b"220 mail.example ESMTP\r\n")),
    "a login page with status 200": _always(Answer(200, b"<html><form>Log in</form></html>")),
    "success without content": _always(Answer(200, b"", STORE_ANSWER)),
    "null": _always(Answer(200, b"null", STORE_ANSWER)),
    "a list of numbers": _always(Answer(200, b"[1, 2, 3]", STORE_ANSWER)),
    "409 with A700, as a full disk gives": _refuses(409, 0xA700),
    "409 with 0110, processing failure": _refuses(409, 0x0110),
    "status 200 with every instance failed": _refuses(200, 0xA700),
    "status 999": _always(Answer(999)),
    "400 to every search": _always(Answer(400), "GET"),
}

FAULTS = (
    *(Fault(f"the district answers: {name}", bring, seconds=ODD_SECONDS) for name, bring in ODD.items()),
    Fault("every second exchange with the district fails", _flapping, seconds=ODD_SECONDS),
    Fault("the district always fails 16 instances", _fails_some, seconds=2.0),
    Fault("the district holds another picture under the same UID", _other_content, seconds=1.0),
)
