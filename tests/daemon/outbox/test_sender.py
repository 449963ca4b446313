"""The sender against a real Orthanc, through a proxy that counts the POSTs of each SOP Instance UID and can fail."""

import time
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from leapfrog.outbox.backoff import Backoff
from leapfrog.outbox.destinations.dicomweb.connection import Timeouts
from leapfrog.outbox.schedule import SyncWindows
from leapfrog.outbox.sender import Sender, Timing
from leapfrog.settings import Window
from support.orthanc import Orthanc
from support.outbox_box import QUICK, Box
from support.owed import PATIENT_NAME, owe, part10_bytes, secondary_capture
from support.recording_proxy import Answer, CutAnswer, Exchange, RecordingProxy, Reset, Stall
from support.waiting import wait_until

WEB_PAGE = Answer(200, b"<html><title>Welcome! Please accept our terms</title></html>")
NOTHING_STORED = Answer(
    200, b'{"00081198": {"vr": "SQ"}, "00081199": {"vr": "SQ"}}', content_type="application/dicom+json"
)
PATIENT = Timing(link=Backoff(60.0, 60.0), delivery=Backoff(60.0, 60.0), locked_seconds=60.0, poll_seconds=0.05)


def test_what_is_owed_is_confirmed_and_arrives_as_it_was(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    dataset = secondary_capture(100_000)
    content = part10_bytes(dataset)
    owe(box.journal, box.spool, content, dataset.SOPInstanceUID)
    uids = [dataset.SOPInstanceUID, *(box.owe() for _ in range(9))]
    box.sender(proxy.url).start()
    box.wait_for(confirmed=10, waiting=0)
    assert [proxy.posts[uid] for uid in uids] == [1] * 10
    assert [orthanc.held()[uid] for uid in uids] == [1] * 10
    assert orthanc.file(dataset.SOPInstanceUID) == content


def test_what_comes_later_goes_out_when_the_sender_is_woken(box: Box, proxy: RecordingProxy) -> None:
    sender = box.sender(proxy.url, Timing(poll_seconds=60.0))
    sender.start()
    box.owe()
    sender.wake()
    box.wait_for(confirmed=1)


def test_urgent_ones_go_first_and_then_in_the_order_of_arrival(box: Box, proxy: RecordingProxy) -> None:
    plain = [box.owe() for _ in range(3)]
    urgent = [box.owe(urgent=True) for _ in range(2)]
    box.sender(proxy.url).start()
    box.wait_for(confirmed=5)
    assert proxy.posted_in_order == urgent + plain


def test_what_no_reader_has_made_yet_waits(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    with box.journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET spool_name = NULL")
    box.owe()
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1, waiting=1)


def test_a_district_that_starts_late_gets_everything(box: Box, tmp_path: Path) -> None:
    server = Orthanc(tmp_path / "late")
    uids = [box.owe() for _ in range(5)]
    sender = box.sender(server.dicomweb_url)
    sender.start()
    _wait_for_link(sender, "down")
    assert "reached" in sender.state().explanation
    with server:
        box.wait_for(confirmed=5)
        assert sender.state().link == "ok"
        assert all(server.held()[uid] == 1 for uid in uids)


def test_while_the_link_is_down_one_question_is_asked_and_no_instance_is_sent(box: Box, proxy: RecordingProxy) -> None:
    for _ in range(20):
        box.owe()
    proxy.plan(*[Answer(502)] * 3, method="GET")
    box.sender(proxy.url).start()
    box.wait_for(confirmed=20)
    assert [each.method for each in proxy.exchanges[:4]] == ["GET"] * 4
    assert sum(each.method == "GET" for each in proxy.exchanges) == 4
    assert all(each.attempts == 1 for each in box.deliveries.listed("confirmed"))


def test_a_lost_answer_is_asked_for_and_nothing_is_posted_twice(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    uids = [box.owe() for _ in range(6)]
    proxy.plan(*[CutAnswer()] * 4)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=6)
    assert [proxy.posts[uid] for uid in uids] == [1] * 6
    assert [orthanc.held()[uid] for uid in uids] == [1] * 6


def test_an_instance_cut_on_its_way_is_sent_again(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    uid = box.owe(500_000)
    proxy.plan(Reset(after_bytes=100_000), Reset())
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert orthanc.held()[uid] == 1
    assert proxy.begun_posts == 3


def test_what_was_posted_before_a_restart_is_asked_for_before_it_is_sent(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    arrived, lost = box.owe(), box.owe()
    box.sender(orthanc.dicomweb_url, windows=None).start()
    box.wait_for(confirmed=2)
    with box.journal.transaction() as connection:  # as after a kill between the answer and the journal
        connection.execute("DELETE FROM deliveries")
        for uid in (arrived, lost + ".1"):
            connection.execute(
                "INSERT INTO deliveries (id, kind, study_key, sop_class_uid, sop_instance_uid, spool_name, posted,"
                " created_at) SELECT hex(randomblob(8)), 'original', study_key, sop_class_uid, ?, spool_name, 1,"
                " received_at FROM instances WHERE sop_instance_uid = ?",
                (uid, uid.removesuffix(".1")),
            )
    for sender in box.senders:
        sender.stop()
    proxy.always(lambda exchange: NOTHING_STORED if exchange.method == "POST" else None)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1, waiting=1)
    wait_until(lambda: proxy.posts.total() > 0, "a POST")
    assert arrived not in proxy.posts


def test_a_stalled_link_is_noticed_and_the_instance_goes_out_afterwards(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    uid = box.owe(8_000_000)
    proxy.plan(Stall(after_bytes=10_000))
    proxy.plan(Stall())
    box.sender(proxy.url, timeouts=Timeouts(send_seconds=0.3, query_seconds=0.3, answer_seconds=0.5)).start()
    box.wait_for(confirmed=1)
    assert orthanc.held()[uid] == 1


def test_a_captive_portal_is_no_district_and_is_outlasted(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    uid = box.owe()
    redirect = Answer(302, headers={"Location": "http://portal.example/login"})
    proxy.plan(WEB_PAGE, redirect, Answer(511), Answer(200, b"[{}"), method="GET")
    proxy.plan(WEB_PAGE)
    sender = box.sender(proxy.url)
    sender.start()
    _wait_for_error(sender, "web page")
    _wait_for_error(sender, "portal.example")
    box.wait_for(confirmed=1)
    assert orthanc.held()[uid] == 1


def test_a_wrong_address_is_named_and_no_image_is_sent_to_it(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    box.owe()
    sender = box.sender(proxy.url.replace("dicom-web", "dicomweb"))
    sender.start()
    _wait_for_error(sender, "HTTP 404 is no answer of a DICOMweb server")
    assert sender.state().link == "down"
    assert proxy.begun_posts == 0


def test_a_server_without_a_search_is_sent_to_all_the_same(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.always(lambda exchange: Answer(405) if exchange.method == "GET" else None)
    proxy.plan(CutAnswer())
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert proxy.posts.total() == 2


def test_a_connection_that_idled_is_not_trusted_with_an_instance(box: Box, proxy: RecordingProxy) -> None:
    sender = box.sender(proxy.url)
    sender.start()
    for count in (1, 2):
        box.owe()
        sender.wake()
        box.wait_for(confirmed=count)
        time.sleep(0.8)
    assert proxy.connections_made == 2


def test_a_refusal_by_something_on_the_way_parks_nothing(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    box.owe()
    proxy.always(lambda exchange: Answer(400, b"<html>blocked</html>"))
    proxy.plan(Answer(200, b"[]", "application/dicom+json"), method="GET")
    box.sender(proxy.url).start()
    wait_until(lambda: len(proxy.exchanges) >= 4, "four exchanges")
    assert box.count("refused") == 0
    proxy.always(lambda exchange: None)
    box.wait_for(confirmed=2)


def test_a_refused_instance_is_parked_with_its_reason_and_the_rest_goes_on(box: Box, proxy: RecordingProxy) -> None:
    unwanted, *_ = [box.owe() for _ in range(4)]
    proxy.always(lambda exchange: Answer(409) if _posts(exchange, unwanted) else None)
    box.sender(proxy.url).start()
    box.wait_for(refused=1, confirmed=3)
    [parked] = box.deliveries.listed("refused")
    assert parked.sop_instance_uid == unwanted
    assert "409" in parked.last_error and "conflict" in parked.last_error


def test_an_instance_that_orthanc_itself_refuses_is_parked_with_its_failure_reason(box: Box, orthanc: Orthanc) -> None:
    dataset = secondary_capture(StudyInstanceUID=None)
    owe(box.journal, box.spool, part10_bytes(dataset), dataset.SOPInstanceUID)
    box.sender(orthanc.dicomweb_url).start()
    box.wait_for(refused=1)
    assert "failure reason C000" in box.deliveries.listed("refused")[0].last_error


def test_what_a_person_retries_is_sent_again(box: Box, proxy: RecordingProxy) -> None:
    uid = box.owe()
    proxy.plan(Answer(413))
    sender = box.sender(proxy.url)
    sender.start()
    box.wait_for(refused=1)
    assert box.deliveries.retry(box.deliveries.listed("refused")[0].id) == 1
    sender.wake()
    box.wait_for(confirmed=1, refused=0)
    assert proxy.posts[uid] == 2


def test_a_conflict_over_what_the_district_already_holds_is_a_confirmation(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    dataset = secondary_capture()
    content = part10_bytes(dataset)
    requests.post(f"{orthanc.url}/instances", data=content, timeout=10).raise_for_status()
    owe(box.journal, box.spool, content, dataset.SOPInstanceUID)
    proxy.plan(Answer(409))
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert proxy.posts[dataset.SOPInstanceUID] == 1


def test_an_answer_that_does_not_mention_the_instance_confirms_nothing(box: Box, proxy: RecordingProxy) -> None:
    unlucky, *_ = [box.owe() for _ in range(3)]
    proxy.always(lambda exchange: NOTHING_STORED if _posts(exchange, unlucky) else None)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=2, waiting=1)
    wait_until(lambda: proxy.posts[unlucky] >= 3, "a third attempt")
    assert "without saying that it stored" in box.deliveries.listed("waiting")[0].last_error


def test_a_full_orthanc_which_answers_200_confirms_nothing(box: Box, tmp_path: Path) -> None:
    with Orthanc(tmp_path / "full", MaximumStorageSize=1) as full:
        box.owe(2_000_000)
        sender = box.sender(full.dicomweb_url)
        sender.start()
        _wait_for_error(sender, "without saying that it stored")
        assert box.count("waiting") == 1


def test_many_unconfirmed_in_a_row_hold_the_link_back(box: Box, proxy: RecordingProxy) -> None:
    for _ in range(10):
        box.owe()
    proxy.always(lambda exchange: NOTHING_STORED if exchange.method == "POST" else None)
    sender = box.sender(proxy.url, PATIENT)
    sender.start()
    _wait_for_link(sender, "down")
    time.sleep(0.2)
    assert proxy.posts.total() == 3


def test_an_instance_over_which_the_server_fails_does_not_block_the_others(box: Box, proxy: RecordingProxy) -> None:
    poison, *_ = [box.owe() for _ in range(5)]
    proxy.always(lambda exchange: Answer(500) if _posts(exchange, poison) else None)
    box.sender(proxy.url, PATIENT).start()
    box.wait_for(confirmed=4, waiting=1)
    assert proxy.posts[poison] == 1


def test_a_busy_district_is_left_alone_as_long_as_it_asks(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.plan(Answer(503, headers={"Retry-After": "1"}))
    sender = box.sender(proxy.url)
    sender.start()
    _wait_for_link(sender, "down")
    remaining = sender.state().next_attempt_in_seconds
    assert remaining is not None and 0.3 < remaining <= 1.0
    seen = len(proxy.exchanges)
    time.sleep(0.4)
    assert len(proxy.exchanges) == seen
    box.wait_for(confirmed=1)


def test_a_wrong_password_stops_everything_until_the_file_is_mended(box: Box, tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text("wrong\n")
    with Orthanc(tmp_path / "guarded", users={"kiosk": "pässword"}) as server:
        for _ in range(3):
            box.owe()
        sender = box.sender(server.dicomweb_url, username="kiosk", password_file=password_file)
        sender.start()
        _wait_for_link(sender, "locked")
        assert "password_file" in sender.state().explanation
        assert box.count("waiting") == 3
        password_file.unlink()
        _wait_for_error(sender, "cannot be read")
        password_file.write_text("pässword\n")
        box.wait_for(confirmed=3)


def test_a_token_goes_along(box: Box, proxy: RecordingProxy, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("abc123\n")
    box.owe()
    box.sender(proxy.url, token_file=token_file).start()
    box.wait_for(confirmed=1)
    assert {each.headers["Authorization"] for each in proxy.exchanges} == {"Bearer abc123"}


def test_outside_the_windows_nothing_is_sent_and_a_sync_sends_all_the_same(box: Box, proxy: RecordingProxy) -> None:
    now = datetime.now()
    closed = Window(start=(now + timedelta(hours=2)).time(), end=(now + timedelta(hours=3)).time())
    box.owe()
    sender = box.sender(proxy.url, windows=SyncWindows([closed], lambda: None))
    sender.start()
    _wait_for_link(sender, "window closed")
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
    _wait_for_link(sender, "locked")
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


def test_a_stop_cuts_a_long_transfer_at_once_and_the_next_start_finishes_it(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    uid = box.owe(200_000)
    sender = box.sender(proxy.url, bytes_per_second=20_000)
    sender.start()
    wait_until(lambda: proxy.bytes_received > 5_000, "the middle of the transfer")
    begun = time.monotonic()
    sender.stop()
    assert time.monotonic() - begun < 1
    assert proxy.posts[uid] == 0
    assert box.deliveries.listed("waiting")[0].posted
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert (proxy.posts[uid], orthanc.held()[uid]) == (1, 1)


def test_a_stop_does_not_wait_for_an_answer_that_does_not_come(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.plan(Stall(), method="GET")
    sender = box.sender(proxy.url)
    sender.start()
    wait_until(lambda: proxy.open_connections, "the connection")
    time.sleep(0.1)
    begun = time.monotonic()
    sender.stop()
    assert time.monotonic() - begun < 1


def test_a_file_that_is_gone_is_parked_and_the_rest_goes_on(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    box.owe()
    box.spool.remove(box.deliveries.listed("waiting")[0].spool_name or "")
    box.sender(proxy.url).start()
    box.wait_for(refused=1, confirmed=1)
    assert "cannot be read" in box.deliveries.listed("refused")[0].last_error


def test_the_sender_keeps_beating_while_it_idles_and_while_a_server_thinks(box: Box, proxy: RecordingProxy) -> None:
    sender = box.sender(proxy.url)
    sender.start()
    time.sleep(0.2)
    assert time.monotonic() - sender.heartbeat() < 0.2
    proxy.plan(Stall(), method="GET")
    box.owe()
    sender.wake()
    time.sleep(0.2)
    assert time.monotonic() - sender.heartbeat() < 0.2


def test_the_last_confirmation_is_known_after_a_restart(box: Box, orthanc: Orthanc) -> None:
    first = box.sender(orthanc.dicomweb_url)
    assert first.state().last_confirmed_at is None
    box.owe()
    first.start()
    box.wait_for(confirmed=1)
    confirmed_at = box.sender(orthanc.dicomweb_url).state().last_confirmed_at
    assert confirmed_at is not None
    age = datetime.now().astimezone() - datetime.fromisoformat(confirmed_at)
    assert age < timedelta(seconds=30)


def test_neither_log_nor_state_nor_reasons_hold_anything_of_a_patient(
    box: Box, proxy: RecordingProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    uids = [box.owe() for _ in range(6)]
    echo = Answer(500, b"cannot store Secret^Patient")
    proxy.plan(Answer(400, b"Secret^Patient is malformed"), echo, CutAnswer(), Reset(), Answer(503), Answer(404))
    sender = box.sender(proxy.url)
    texts: list[str] = []
    sender.start()
    while box.count("waiting"):
        texts.append(str(sender.state()))
        time.sleep(0.01)
    proxy.down()
    box.owe()
    sender.sync_now()
    _wait_for_link(sender, "down")
    texts += [caplog.text, str(sender.state()), *(each.last_error for each in box.deliveries.listed("refused"))]
    for secret in (PATIENT_NAME, *uids):
        assert not any(secret in text for text in texts)


def _wait_for_link(sender: Sender, word: str) -> None:
    wait_until(lambda: sender.state().link == word, f"the link is {word}")


def _wait_for_error(sender: Sender, words: str) -> None:
    wait_until(lambda: words in sender.state().last_error, f"an error with the words {words!r}")


def _posts(exchange: Exchange, sop_instance_uid: str) -> bool:
    return exchange.method == "POST" and sop_instance_uid in exchange.sop_instance_uids


def test_the_default_backoffs_double_up_to_a_cap() -> None:
    assert Timing() != QUICK
    waits = [Timing().link.seconds(failures) for failures in range(1, 12)]
    assert 3.75 <= waits[0] <= 5.0
    assert all(1.5 <= later / earlier <= 2.7 for earlier, later in pairwise(waits[:6]))
    assert all(225 <= wait <= 300 for wait in waits[7:])
