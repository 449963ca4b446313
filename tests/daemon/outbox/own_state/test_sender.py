"""When what a box says of itself is sent, and what becomes of the rest of its work meanwhile."""

import threading
from collections.abc import Sequence
from datetime import datetime, time
from time import monotonic
from typing import Any

import pytest

from leapfrog.errors import CannotBeSigned
from leapfrog.outbox.own_state.sender import HOUR_SECONDS, LONG_SECONDS, NEWS_SECONDS, StateSender
from leapfrog.outbox.pacing.precedence import Precedence
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.settings import Settings, SyncWindow
from leapfrog.worker import UNTIL_WOKEN
from support.ports import free_port
from support.put_server import PutServer

NIGHT = SyncWindow(start=time(19), end=time(6))
FIRST_TRY = 20.0  # seconds after a start


class Clocks:
    """The monotonic clock, and the time of day, as a test sets them."""

    def __init__(self) -> None:
        self.monotonic = 1000.0
        self.hour = 12

    def now(self) -> datetime:
        return datetime(2026, 11, 30, self.hour).astimezone()


class Desk:
    """A sender whose turns a test takes itself."""

    def __init__(self, url: str, windows: Sequence[SyncWindow] = (), **values: Any) -> None:
        self.clocks = Clocks()
        self.made = 0
        self.precedence = Precedence()
        self.sender = StateSender(
            Settings.model_validate({"fleet": {"url": url}}),
            values.pop("signed_state", self.sign),
            windows=SyncWindows(windows, lambda: None, self.clocks.now),
            throttle=Throttle(0, lambda _: None),
            precedence=self.precedence,
            monotonic=lambda: self.clocks.monotonic,
            **values,
        )

    def sign(self) -> bytes:
        self.made += 1
        return str(self.made).encode()

    def turn(self, *, after: float = 0.0) -> float:
        """A turn so many seconds later; how long the sender would sleep then."""
        self.clocks.monotonic += after
        return self.sender.turn()


@pytest.fixture
def no_server() -> str:
    return f"http://127.0.0.1:{free_port()}/boxes/kitui.json"


def test_it_is_sent_soon_after_a_start_and_then_within_each_hour() -> None:
    with PutServer() as server:
        desk = Desk(server.url)
        assert desk.turn() == FIRST_TRY
        assert 0.75 * HOUR_SECONDS <= desk.turn(after=FIRST_TRY) <= HOUR_SECONDS
        desk.turn(after=0.7 * HOUR_SECONDS)
        assert server.bodies == [b"1"]
        desk.turn(after=0.3 * HOUR_SECONDS)
    assert server.bodies == [b"1", b"2"]


def test_outside_the_windows_nothing_is_sent_and_where_one_begins_it_is_sent_first() -> None:
    with PutServer() as server:
        desk = Desk(server.url, [NIGHT])
        assert desk.turn(after=2 * HOUR_SECONDS) == UNTIL_WOKEN
        desk.sender.news()
        assert desk.turn() == UNTIL_WOKEN
        assert server.answered == []
        desk.clocks.hour = 20
        desk.turn()
        assert server.bodies == [b"1"]
        desk.clocks.hour = 7
        assert desk.turn() == UNTIL_WOKEN
    assert server.bodies == [b"1"]


def test_sync_sends_it_at_once_whatever_the_windows_say() -> None:
    with PutServer() as server:
        desk = Desk(server.url, [NIGHT])
        desk.sender.send_now()
        desk.turn()
        assert desk.turn() == UNTIL_WOKEN
    assert server.bodies == [b"1"]


def test_what_needs_attention_is_told_soon_and_not_more_often_than_every_five_minutes() -> None:
    with PutServer() as server:
        desk = Desk(server.url)
        desk.turn(after=FIRST_TRY)
        for _ in range(30):  # something that comes and goes
            desk.sender.news()
            desk.turn(after=20.0)
        assert len(server.bodies) == 1 + 600 // int(NEWS_SECONDS)
        desk.turn(after=HOUR_SECONDS / 2)
    assert len(server.bodies) == 1 + 600 // int(NEWS_SECONDS)


def test_a_link_that_is_down_costs_little_and_says_nothing_new(no_server: str) -> None:
    desk = Desk(no_server)
    desk.turn(after=FIRST_TRY)
    state = desk.sender.state()
    assert state is not None
    assert (state.sent_at, state.last_error[:19]) == ("", "The district server")
    assert desk.sender.problems() == ()
    for _ in range(20):
        pause = desk.turn(after=300.0)
    assert 225.0 <= pause <= 300.0
    desk.turn(after=LONG_SECONDS)
    (problem,) = desk.sender.problems()
    assert "cannot be told how this box is. The district server cannot be reached" in problem.what


def test_when_the_link_is_back_it_goes_within_minutes_and_all_is_well(no_server: str) -> None:
    desk = Desk(no_server)
    desk.turn(after=FIRST_TRY)
    for _ in range(300):
        desk.turn(after=300.0)
    assert desk.sender.problems()
    with PutServer(port=int(no_server.split(":")[2].split("/", maxsplit=1)[0])) as server:
        desk.turn(after=300.0)
    assert len(server.bodies) == 1
    state = desk.sender.state()
    assert state is not None
    assert (state.last_error, bool(state.sent_at), desk.sender.problems()) == ("", True, ())


def test_what_a_person_must_mend_is_told_at_once_and_asked_for_ever_less_often() -> None:
    with PutServer(status=404) as server:
        desk = Desk(server.url)
        desk.turn(after=FIRST_TRY)
        (problem,) = desk.sender.problems()
        assert "no place for this box's state at fleet.url (HTTP 404)" in problem.what
        assert not problem.in_worklist
        for _ in range(12):
            desk.sender.news()
            desk.turn(after=HOUR_SECONDS / 12)
        tries = len(server.answered)
        assert tries < 10
        desk.sender.send_now()
        desk.turn()
    assert len(server.answered) == tries + 1


def test_without_an_address_nothing_happens() -> None:
    desk = Desk("")
    desk.sender.send_now()
    assert desk.turn(after=HOUR_SECONDS) == UNTIL_WOKEN
    assert desk.sender.state() is None
    assert desk.made == 0


@pytest.mark.parametrize("failure", [CannotBeSigned("This box has no station key."), ZeroDivisionError()])
def test_a_box_that_cannot_say_anything_of_itself_goes_on(failure: Exception) -> None:
    def sign() -> bytes:
        raise failure

    with PutServer() as server:
        desk = Desk(server.url, signed_state=sign)
        assert desk.turn(after=FIRST_TRY) > 0
        state = desk.sender.state()
    assert state is not None
    assert state.last_error == (str(failure) or "(ZeroDivisionError)")
    assert server.answered == []


def test_it_goes_before_all_but_urgent_results_and_a_server_that_hangs_holds_up_nobody() -> None:
    with PutServer() as server:
        server.may_go_on.clear()
        desk = Desk(server.url)
        sending = threading.Thread(target=desk.turn, kwargs={"after": FIRST_TRY})
        sending.start()
        assert server.came.wait(10)
        with desk.precedence.turn(0) as urgent_result:
            assert urgent_result.wait(0.0)
        with desk.precedence.turn(2) as result:
            assert not result.wait(0.0)
            assert result.wait(5.0)
        server.may_go_on.set()
        sending.join()
    assert server.bodies == [b"1"]


def test_a_stop_cuts_it_short() -> None:
    with PutServer() as server:
        server.may_go_on.clear()
        desk = Desk(server.url, signed_state=lambda: bytes(50_000_000), after_start_seconds=0.0)
        desk.sender.start()
        assert server.came.wait(10)
        began = monotonic()
        desk.sender.stop()
        assert monotonic() - began < 5
    assert server.bodies == []
