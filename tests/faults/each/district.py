"""Faults of the district and of the link to it. Nothing is lost or sent twice, and the box does nothing else worse."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from faults.each.fault import Bringing, Fault, Scene
from support.odd_answers import ENDLESS_ANSWERS, ODD_ANSWERS
from support.recording_proxy import Answer, CutAnswer, Exchange, Mishap, Reset
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
        def choose(exchange: Exchange) -> Mishap | None:
            return answer(exchange) if not methods or exchange.method in methods else None

        scene.site.proxy.always(choose)
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
    scene.site.senders.disown(film)  # it cannot be at the district under its own UID
    query = f"SELECT 1 FROM deliveries WHERE sop_instance_uid = '{film.sop_instance_uid}' AND state = 'confirmed'"
    scene.expect(not scene.site.kiosk.rows(query), "other content under its UID confirms no film")
    yield


# Answers that make sense, and are wrong; the odd ones, which make none, are in support/odd_answers.py.
WRONG: dict[str, Bringing] = {
    "a login page with status 200": _always(Answer(200, b"<html><form>Log in</form></html>")),
    "success without content": _always(Answer(200, b"", STORE_ANSWER)),
    "null": _always(Answer(200, b"null", STORE_ANSWER)),
    "409 with A700, as a full disk gives": _refuses(409, 0xA700),
    "409 with 0110, processing failure": _refuses(409, 0x0110),
    "status 200 with every instance failed": _refuses(200, 0xA700),
    "status 999": _always(Answer(999)),
    "400 to every search": _always(Answer(400), "GET"),
}

FAULTS = (
    *(Fault(f"the district answers: {name}", bring, seconds=ODD_SECONDS) for name, bring in WRONG.items()),
    *(
        Fault(f"the district answers: {name}", _always(answer), seconds=ODD_SECONDS)
        for name, answer in {**ODD_ANSWERS, **ENDLESS_ANSWERS}.items()
    ),
    Fault("every second exchange with the district fails", _flapping, seconds=ODD_SECONDS),
    Fault("the district always fails 16 instances", _fails_some, seconds=2.0),
    Fault("the district holds another picture under the same UID", _other_content, seconds=1.0),
)
