"""The sender against a real Orthanc, through a proxy that counts the POSTs of each SOP Instance UID and can fail."""

import time
from datetime import datetime, timedelta

import pytest

from support.orthanc import Orthanc
from support.outbox_box import NOTHING_STORED, Box, wait_for_link
from support.owed import PATIENT_NAME, owe, part10_bytes, secondary_capture
from support.recording_proxy import Answer, CutAnswer, RecordingProxy, Reset, Stall
from support.waiting import wait_until


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
    box.sender(proxy.url).start()
    box.owe()
    box.wait_for(confirmed=1)
    box.owe()
    box.wait_for(confirmed=2)


def test_urgent_ones_go_first_and_then_in_the_order_of_arrival(box: Box, proxy: RecordingProxy) -> None:
    plain = [box.owe() for _ in range(3)]
    urgent = [box.owe(urgent=True) for _ in range(2)]
    box.sender(proxy.url).start()
    box.wait_for(confirmed=5)
    assert proxy.posted_in_order == urgent + plain


def test_a_delivery_whose_bytes_no_reader_has_written_yet_waits(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    with box.journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET spool_name = NULL")
    box.owe()
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1, waiting=1)


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
                "INSERT INTO deliveries (id, kind, study_key, sop_class_uid, sop_instance_uid, spool_name, byte_count,"
                " posted, created_at) SELECT hex(randomblob(8)), 'original', study_key, sop_class_uid, ?, spool_name,"
                " byte_count, 1, received_at FROM instances WHERE sop_instance_uid = ?",
                (uid, uid.removesuffix(".1")),
            )
    for sender in box.senders:
        sender.stop()
    proxy.always(lambda exchange: NOTHING_STORED if exchange.method == "POST" else None)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1, waiting=1)
    wait_until(lambda: proxy.posts.total() > 0, "a POST")
    assert arrived not in proxy.posts


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
    wait_for_link(sender, "down")
    texts += [caplog.text, str(sender.state()), *(each.last_error for each in box.deliveries.listed("refused"))]
    for secret in (PATIENT_NAME, *uids):
        assert not any(secret in text for text in texts)
