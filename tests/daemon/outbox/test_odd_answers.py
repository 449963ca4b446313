"""Whatever the district answers, the box goes on: an instance is delivered as soon as the district does better."""

import resource
import time
from functools import partial

import pytest

from leapfrog.dicom.part10 import Part10Source
from leapfrog.outbox.destinations.dicomweb import exchange
from leapfrog.outbox.destinations.dicomweb.client import StowClient
from leapfrog.outbox.outbox import Outbox
from leapfrog.outbox.pacing.timeouts import Timeouts
from support.odd_answers import ENDLESS_ANSWERS, ODD_ANSWERS
from support.orthanc import Orthanc
from support.outbox_box import Box
from support.recording_proxy import Answer, RawAnswer, RecordingProxy, Stall
from support.waiting import wait_until

SHORT = Timeouts(connect_seconds=5.0, send_seconds=5.0, query_seconds=0.6, answer_seconds=0.6)
ANSWERS = {**ODD_ANSWERS, **ENDLESS_ANSWERS}


def _confirmed_after_sync(box: Box, sender: Outbox) -> int:
    sender.sync_now()
    return box.count("confirmed")


def _sent_again(box: Box, orthanc: Orthanc, proxy: RecordingProxy, uid: str, timeouts: Timeouts | None = None) -> None:
    sender = box.sender(proxy.url, timeouts=timeouts)
    sender.start()
    wait_until(lambda: proxy.exchanges, "a request")
    wait_until(partial(_confirmed_after_sync, box, sender), "the delivery", deadline_seconds=30)
    assert orthanc.held()[uid] == 1
    assert box.fatal == []


@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_an_odd_answer_to_an_instance_is_outlived(box: Box, orthanc: Orthanc, proxy: RecordingProxy, name: str) -> None:
    uid = box.owe()
    proxy.plan(ODD_ANSWERS[name])
    _sent_again(box, orthanc, proxy, uid)


@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_an_odd_answer_to_a_question_is_outlived(box: Box, orthanc: Orthanc, proxy: RecordingProxy, name: str) -> None:
    uid = box.owe()
    proxy.plan(ODD_ANSWERS[name], method="GET")
    _sent_again(box, orthanc, proxy, uid)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", ENDLESS_ANSWERS)
def test_an_answer_that_does_not_end_is_cut_off(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, name: str, method: str
) -> None:
    uid = box.owe()
    proxy.plan(ENDLESS_ANSWERS[name], method="GET" if method == "GET" else "POST")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.monotonic()
    _sent_again(box, orthanc, proxy, uid, SHORT)
    assert time.monotonic() - begun < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB that the answer took"


def test_an_exchange_that_nothing_else_ends_is_cut_from_outside(
    box: Box, proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = box.owe()
    limits = Timeouts()
    monkeypatch.setattr(exchange, "CONNECTING_SECONDS", 0.5 - limits.query_seconds)
    proxy.plan(Stall(), method="GET")
    sender = box.sender(proxy.url, timeouts=limits)
    sender.start()
    wait_until(lambda: "broke off" in sender.state().last_error, "the cut", deadline_seconds=30)
    monkeypatch.undo()
    box.wait_for(confirmed=1)
    assert proxy.posts[uid] == 1


def test_a_bomb_of_compressed_nothing_is_not_unpacked(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    uid = box.owe()
    proxy.plan(*[ODD_ANSWERS["a gzip bomb"]] * 2, method="GET")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _sent_again(box, orthanc, proxy, uid)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_an_answer_left_over_on_a_connection_answers_nothing(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    """A second answer behind the first would answer the next question, which is about something else."""
    uids = [box.owe() for _ in range(3)]
    extra = b"HTTP/1.1 102 Processing\r\n\r\n" + b"HTTP/1.1 204 No Content\r\n\r\n" * 5
    proxy.plan(RawAnswer((extra,), pause_seconds=0.3))
    box.sender(proxy.url).start()
    box.wait_for(confirmed=3)
    assert [orthanc.held()[uid] for uid in uids] == [1, 1, 1]


def test_an_error_of_ours_over_one_delivery_puts_it_on_hold_and_the_rest_goes_on(
    box: Box, proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, *_ = [box.owe() for _ in range(4)]
    sender = box.sender(proxy.url)
    store = StowClient.store

    def failing(client: StowClient, source: Part10Source, sop_instance_uid: str) -> None:
        if sop_instance_uid == bad:
            raise ZeroDivisionError(f"of {sop_instance_uid}")
        store(client, source, sop_instance_uid)

    monkeypatch.setattr(StowClient, "store", failing)
    sender.start()
    box.wait_for(confirmed=3, refused=1)
    [on_hold] = box.deliveries.listed("refused")
    assert on_hold.sop_instance_uid == bad and "ZeroDivisionError" in on_hold.last_error
    assert on_hold.attempts == 2
    assert bad not in caplog.text


def test_a_district_full_of_odd_answers_is_not_asked_all_the_time(box: Box, proxy: RecordingProxy) -> None:
    for _ in range(5):
        box.owe()
    odd = list(ODD_ANSWERS.values())
    asked = iter(range(10_000))
    proxy.always(lambda exchange: odd[next(asked) % len(odd)])
    proxy.plan(Answer(200, b"[]", "application/dicom+json"), method="GET")
    box.sender(proxy.url).start()
    time.sleep(2.0)
    assert len(proxy.exchanges) < 2.0 / 0.03 + 20, "no more often than the backoff of this test allows"
    assert box.count("waiting") + box.count("refused") == 5
    assert box.fatal == []
