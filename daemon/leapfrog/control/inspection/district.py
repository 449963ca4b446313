"""The district server, and all other DICOMweb servers, asked by a person who waits for the answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep

from leapfrog.errors import DistrictError, DistrictLocked, LeapfrogError
from leapfrog.outbox.destinations.dicomweb.client import StowClient
from leapfrog.outbox.destinations.dicomweb.courier import ALLOW_SEARCH, CANNOT_BE_ASKED
from leapfrog.outbox.own_state.place import StatePlace
from leapfrog.outbox.pacing.pace import Pace
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.outbox.pacing.timeouts import Timeouts
from leapfrog.outbox.told import told_of
from leapfrog.problem import Problem
from leapfrog.settings import DestinationSettings, Settings
from leapfrog.settings.destinations import DISTRICT

TIMEOUTS = Timeouts(connect_seconds=5.0, send_seconds=10.0, query_seconds=15.0, answer_seconds=15.0)

DOES_NOT_STORE = "The district server has no place to store instances (STOW-RS) at district.url."
ALLOW_STORE = (
    "On the district server, turn STOW-RS on and allow this box's account to store; check that district.url is its"
    " DICOMweb root."
)


@dataclass(frozen=True)
class Answer:
    """What came of one question: `problem` is None when all is well, and `detail` says what is."""

    name: str
    detail: str = ""
    problem: Problem | None = None


def district_answers(settings: Settings) -> Iterator[Answer]:
    """Ask the district, and each other DICOMweb destination, whether it is there, lets this box in, finds and stores.
    Nothing when none is configured, and nothing is stored.
    """
    for destination in settings.destinations:
        if destination.kind == "dicomweb":
            for answer in _answers(destination):
                yield _named(answer, destination.name)


def _answers(district: DestinationSettings) -> Iterator[Answer]:
    client = StowClient(district, Pace(Throttle(0, sleep, monotonic), lambda: None), TIMEOUTS)
    try:
        can_be_asked = client.probe() != "cannot be asked"
        yield Answer(
            "district search",
            "It answers, lets this box in, and can be searched." if can_be_asked else "",
            None if can_be_asked else Problem(what=CANNOT_BE_ASKED, remedy=ALLOW_SEARCH),
        )
        stores = client.takes_instances()
        yield Answer(
            "district storage",
            "It takes instances from this box." if stores else "",
            None if stores else Problem(what=DOES_NOT_STORE, remedy=ALLOW_STORE),
        )
    except DistrictLocked as problem:
        remedy = "Correct district.username, password_file, token_file or client_certificate, or the account there."
        yield Answer("district", problem=Problem(what=str(problem), remedy=remedy))
    except DistrictError as problem:
        remedy = "Check the link, then district.url. What is owed waits here and is sent by itself."
        yield Answer("district", problem=Problem(what=str(problem), remedy=remedy))
    finally:
        client.close()


def own_state_answers(settings: Settings, signed_state: Callable[[], bytes]) -> Iterator[Answer]:
    """Leave what this box says of itself at [fleet] url, as the daemon does. Nothing when none is configured."""
    if not settings.fleet.url:
        return
    place = StatePlace(settings, Pace(Throttle(0, sleep, monotonic), lambda: None), TIMEOUTS)
    remedy = ""
    try:
        content = signed_state()
        place.put(content)
        yield Answer("state to district", f"It takes what this box says of itself ({len(content):,} bytes).")
        return
    except DistrictLocked as found:
        problem: LeapfrogError = found
    except DistrictError as found:
        problem, remedy = found, "Check the link, then fleet.url. The box tries again by itself."
    except LeapfrogError as found:
        problem = found
    finally:
        place.close()
    yield Answer("state to district", problem=Problem(what=str(problem), remedy=remedy))


def _named(answer: Answer, name: str) -> Answer:
    """The answer, in the words for a destination of that name."""
    if name == DISTRICT:
        return answer
    problem = answer.problem and Problem(
        what=told_of(name, answer.problem.what), remedy=told_of(name, answer.problem.remedy)
    )
    return Answer(answer.name.replace("district", name, 1), answer.detail, problem)
