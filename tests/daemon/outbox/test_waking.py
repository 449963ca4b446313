"""When the sender works and when it sleeps: backoffs, sync windows, and clocks that a test moves."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.timing import Timing
from leapfrog.settings import DistrictSettings, SyncWindow
from leapfrog.worker import UNTIL_WOKEN
from support.clocks import Clocks
from support.outbox_box import PATIENT, QUICK, Box, wait_for_link
from support.recording_proxy import Answer, RecordingProxy, Stall
from support.waiting import wait_until

TEN_YEARS = timedelta(days=3653)


def _turn(outbox: Outbox) -> float:
    *_, sender = outbox.senders  # that of originals
    return sender.turn()


@contextmanager
def _by(clocks: Clocks, box: Box, url: str, *windows: str) -> Iterator[tuple[Outbox, Callable[[], bool]]]:
    """An outbox whose turns the test runs itself, and whether it was woken since the last check."""
    wakes: list[bool] = []
    parsed = DistrictSettings.model_validate({"windows": windows}).windows
    sync_windows = SyncWindows(parsed, lambda: wakes.append(True), clocks.now, clocks.monotonic)
    sender = box.sender(url, PATIENT, windows=sync_windows, monotonic=clocks.monotonic)

    def was_woken() -> bool:
        seen = bool(wakes)
        wakes.clear()
        return seen

    sync_windows.start()
    try:
        yield sender, was_woken
    finally:
        sync_windows.stop()


def test_with_nothing_to_do_it_sleeps_until_it_is_woken(box: Box, proxy: RecordingProxy) -> None:
    sender = box.sender(proxy.url)
    assert _turn(sender) == UNTIL_WOKEN
    box.owe()
    assert [_turn(sender), _turn(sender)] == [0.0, UNTIL_WOKEN]
    assert box.count("confirmed") == 1


def test_it_rises_by_itself_when_the_first_of_the_deferred_is_due_and_none_is_starved(
    box: Box, proxy: RecordingProxy
) -> None:
    clocks = Clocks()
    with _by(clocks, box, proxy.url) as (sender, _):
        proxy.plan(Answer(500), Answer(500))
        first = box.owe()
        assert _turn(sender) == 0.0
        clocks.pass_by(20)
        second = box.owe()
        assert _turn(sender) == 0.0
        pause = _turn(sender)
        assert 25 <= pause <= 40
        clocks.pass_by(pause / 2)
        between = box.owe(urgent=True)
        assert [_turn(sender), _turn(sender)] == [0.0, pytest.approx(pause / 2)]
        clocks.pass_by(pause / 2 + 1)
        later = box.owe()
        assert [_turn(sender), _turn(sender)] == [0.0, 0.0]
        assert 4 <= _turn(sender) <= 35
        clocks.pass_by(35)
        assert [_turn(sender), _turn(sender)] == [0.0, UNTIL_WOKEN]
    assert proxy.posted_in_order == [first, second, between, first, later, second]


@pytest.mark.parametrize("jump", [TEN_YEARS, -TEN_YEARS, timedelta()])
def test_a_link_that_rests_is_tried_when_its_rest_is_over_whoever_wakes_and_however_the_clock_is_set(
    box: Box, proxy: RecordingProxy, jump: timedelta
) -> None:
    clocks = Clocks("2026-03-04T10:00:00")
    with _by(clocks, box, proxy.url, "09:00-11:00") as (sender, was_woken):
        proxy.plan(Answer(502), method="GET")
        box.owe()
        assert _turn(sender) == 0.0
        rest = _turn(sender)
        assert 45 <= rest <= 60
        clocks.wall += jump
        sender.look_at_clock()
        assert was_woken() is bool(jump)
        box.owe()
        assert _turn(sender) == rest
        assert len(proxy.exchanges) == 1
        clocks.pass_by(rest + 1)
        assert [_turn(sender) for _ in range(3)] == [0.0, 0.0, UNTIL_WOKEN]
    assert box.count("confirmed") == 2


@pytest.mark.parametrize("jump", [TEN_YEARS, -TEN_YEARS])
def test_a_clock_that_is_set_opens_and_closes_a_window_and_nothing_is_forgotten(
    box: Box, proxy: RecordingProxy, jump: timedelta
) -> None:
    clocks = Clocks("2026-03-04T10:00:00")
    with _by(clocks, box, proxy.url, "12:00-13:00") as (sender, was_woken):
        for _ in range(3):
            box.owe()
        assert _turn(sender) == UNTIL_WOKEN
        assert proxy.exchanges == []
        clocks.wall += jump + timedelta(hours=2)
        sender.look_at_clock()
        assert was_woken()
        assert _turn(sender) == 0.0
        clocks.wall -= jump + timedelta(hours=2)  # not looked at yet: whoever is at work asks each time
        assert _turn(sender) == UNTIL_WOKEN
        assert proxy.posts.total() == 1
        sender.look_at_clock()
        assert was_woken()
        assert _turn(sender) == UNTIL_WOKEN
        clocks.wall += timedelta(hours=2)
        sender.look_at_clock()
        assert was_woken()
        assert [_turn(sender) for _ in range(3)] == [0.0, 0.0, UNTIL_WOKEN]
    assert proxy.posts.total() == box.count("confirmed") == 3


def test_a_window_that_opens_and_closes_wakes_the_sleeping_sender(box: Box, proxy: RecordingProxy) -> None:
    opening = (datetime.now() + timedelta(seconds=2)).replace(microsecond=0)
    window = SyncWindow(start=opening.time(), end=(opening + timedelta(hours=1)).time())
    box.owe()
    sender = box.sender(proxy.url, windows=SyncWindows([window], lambda: sender.wake()))  # noqa: PLW0108 - the sender follows
    sender.start()
    assert sender.state().link == "window closed"
    box.wait_for(confirmed=1)
    assert datetime.now() >= opening


def test_outside_the_windows_nothing_is_sent_and_a_sync_sends_all_the_same(box: Box, proxy: RecordingProxy) -> None:
    now = datetime.now()
    closed = SyncWindow(start=(now + timedelta(hours=2)).time(), end=(now + timedelta(hours=3)).time())
    box.owe()
    sender = box.sender(proxy.url, windows=SyncWindows([closed], lambda: None))
    sender.start()
    wait_for_link(sender, "window closed")
    assert sender.state().next_attempt_in_seconds == pytest.approx(7200, abs=90)
    time.sleep(0.2)
    assert proxy.exchanges == []
    sender.sync_now()
    box.wait_for(confirmed=1)
    box.owe()
    time.sleep(0.2)
    assert box.count("waiting") == 1
    assert sender.state().link == "window closed"


def test_a_sync_ignores_every_backoff(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.plan(Answer(401), method="GET")
    sender = box.sender(proxy.url, PATIENT)
    sender.start()
    wait_for_link(sender, "locked")
    proxy.plan(Answer(500))
    sender.sync_now()
    wait_until(lambda: proxy.posts.total() == 1, "a POST in spite of the lock")
    sender.sync_now()
    box.wait_for(confirmed=1)


def test_with_nothing_configured_no_thread_runs_and_the_state_says_so(box: Box) -> None:
    box.owe()
    sender = box.sender("")
    sender.start()
    state = sender.state()
    assert (state.configured, state.link) == (False, "none")
    assert state.explanation == "no district server is configured: nothing is sent"
    assert time.monotonic() - sender.heartbeat() < 1
    sender.sync_now()
    sender.stop()
    assert box.count("waiting") == 1


def test_the_sender_keeps_beating_while_it_idles_and_while_a_server_thinks(box: Box, proxy: RecordingProxy) -> None:
    sender = box.sender(proxy.url)
    sender.start()
    time.sleep(0.2)
    assert time.monotonic() - sender.heartbeat() < 0.2
    proxy.plan(Stall(), method="GET")
    box.owe()
    wait_until(lambda: proxy.open_connections, "the question")
    time.sleep(0.2)
    assert time.monotonic() - sender.heartbeat() < 0.2


def test_the_default_backoffs_double_up_to_a_cap() -> None:
    assert Timing() != QUICK
    waits = [Timing().link.seconds(failures) for failures in range(1, 12)]
    assert 3.75 <= waits[0] <= 5.0
    assert all(1.5 <= later / earlier <= 2.7 for earlier, later in pairwise(waits[:6]))
    assert all(225 <= wait <= 300 for wait in waits[7:])
