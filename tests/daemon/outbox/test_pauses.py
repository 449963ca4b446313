"""A large original makes way for a result on another connection, and then goes on where it was."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.pacing import pace
from support.nginx import Nginx, nginx_program
from support.orthanc import Orthanc
from support.outbox_box import Box
from support.recording_proxy import Answer, RecordingProxy
from support.waiting import wait_until

needs_nginx = pytest.mark.skipif(nginx_program() is None, reason="nginx is not installed")
SLOW = 200_000  # bytes per second
FILM_BYTES = 300_000


@contextmanager
def _something_urgent(outbox: Outbox) -> Iterator[None]:
    """As if an urgent result were on its way to another destination, for so long as the context lasts."""
    precedence = outbox.senders[-1]._precedence
    with precedence.turn(0) as turn:
        keep_moving = [True]

        def move() -> None:
            while keep_moving:
                turn.moves()
                time.sleep(0.1)

        thread = threading.Thread(target=move)
        thread.start()
        yield
        keep_moving.clear()
        thread.join()


def _being_sent(box: Box, proxy: RecordingProxy) -> None:
    wait_until(lambda: proxy.bytes_received > 50_000, "a part of the film")


def test_a_result_overtakes_the_original_that_is_being_sent(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    film = box.owe(FILM_BYTES)
    box.sender(proxy.url, bytes_per_second=SLOW).start()
    _being_sent(box, proxy)
    report = box.owe_result()
    box.wait_for(confirmed=2)
    assert proxy.posted_in_order == [report, film], "the film came whole after the report"
    assert proxy.begun_posts == 2, "and was not begun again"
    assert [orthanc.held()[uid] for uid in (report, film)] == [1, 1]


def test_a_structured_report_overtakes_a_paper(box: Box, proxy: RecordingProxy) -> None:
    film = box.owe(FILM_BYTES)
    box.sender(proxy.url, bytes_per_second=SLOW).start()
    _being_sent(box, proxy)
    paper = box.owe_result("report_pdf", 100_000)
    wait_until(lambda: proxy.begun_posts == 2, "the paper")
    report = box.owe_result()
    box.wait_for(confirmed=3)
    assert proxy.posted_in_order == [report, paper, film]
    assert proxy.begun_posts == 3


def test_originals_go_on_during_a_pause_of_their_own(box: Box, proxy: RecordingProxy) -> None:
    box.owe(FILM_BYTES)
    outbox = box.sender(proxy.url, bytes_per_second=SLOW)
    outbox.start()
    _being_sent(box, proxy)
    with _something_urgent(outbox):
        time.sleep(0.3)
        before = proxy.bytes_received
        time.sleep(1.0)
        assert proxy.bytes_received - before < 1_000
    box.wait_for(confirmed=1)
    assert proxy.begun_posts == 1


@needs_nginx
def test_a_server_with_less_patience_gets_a_film_whole_and_once_in_the_end(
    box: Box, orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "TRICKLE_SECONDS", 0.9)
    monkeypatch.setattr(pace, "LEAST_TRICKLE_SECONDS", 0.1)
    monkeypatch.setattr(pace, "LOOK_SECONDS", 0.05)
    patience = "client_body_timeout 400ms; proxy_request_buffering off;"
    with Nginx(tmp_path / "nginx", orthanc.dicomweb_url, patience) as guard:
        film = box.owe(FILM_BYTES)
        outbox = box.sender(guard.url, bytes_per_second=SLOW)
        outbox.start()
        sender = outbox.senders[-1]
        wait_until(lambda: sender._pace.handed_over_bytes > 50_000, "a part of the film")
        with _something_urgent(outbox):
            wait_until(lambda: sender._pace._trickle_seconds < 0.4, "shorter pauses", deadline_seconds=20)
            time.sleep(1.0)
        box.wait_for(confirmed=1)
        [delivery] = box.deliveries.listed("confirmed")
        assert orthanc.held()[film] == 1
        assert delivery.attempts > 1


def test_a_refusal_in_the_midst_of_a_pause_is_none(box: Box, orthanc: Orthanc, tmp_path: Path) -> None:
    """Orthanc answers 400 when a body paused for too long."""
    film = box.owe(FILM_BYTES)
    with RecordingProxy(orthanc.dicomweb_url) as proxy:
        outbox = box.sender(proxy.url, bytes_per_second=SLOW)
        outbox.start()
        _being_sent(box, proxy)
        proxy.always(lambda exchange: Answer(400) if exchange.method == "POST" and not refused else None)
        refused: list[str] = []
        with _something_urgent(outbox):
            time.sleep(1.2)
        wait_until(lambda: proxy.posts.total() == 1, "the refusal")
        refused.append("once")
        box.wait_for(confirmed=1)
        assert orthanc.held()[film] == 1
        assert proxy.posts[film] == 2
