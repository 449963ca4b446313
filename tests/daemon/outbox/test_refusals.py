"""Instances that the district server refuses, or does not confirm."""

import time
from pathlib import Path

from support.orthanc import Orthanc
from support.outbox_box import NOTHING_STORED, PATIENT, Box, wait_for_error, wait_for_link
from support.owed import owe, part10_bytes, secondary_capture
from support.recording_proxy import Answer, Exchange, RecordingProxy
from support.waiting import wait_until


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
        wait_for_error(sender, "without saying that it stored")
        assert box.count("waiting") == 1


def test_many_unconfirmed_in_a_row_hold_the_link_back(box: Box, proxy: RecordingProxy) -> None:
    for _ in range(10):
        box.owe()
    proxy.always(lambda exchange: NOTHING_STORED if exchange.method == "POST" else None)
    sender = box.sender(proxy.url, PATIENT)
    sender.start()
    wait_for_link(sender, "down")
    time.sleep(0.2)
    assert proxy.posts.total() == 3


def test_an_instance_over_which_the_server_fails_does_not_block_the_others(box: Box, proxy: RecordingProxy) -> None:
    poison, *_ = [box.owe() for _ in range(5)]
    proxy.always(lambda exchange: Answer(500) if _posts(exchange, poison) else None)
    box.sender(proxy.url, PATIENT).start()
    box.wait_for(confirmed=4, waiting=1)
    assert proxy.posts[poison] == 1


def test_a_file_that_is_gone_is_parked_and_the_rest_goes_on(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    box.owe()
    box.spool.remove(box.deliveries.listed("waiting")[0].spool_name or "")
    box.sender(proxy.url).start()
    box.wait_for(refused=1, confirmed=1)
    assert "cannot be read" in box.deliveries.listed("refused")[0].last_error


def _posts(exchange: Exchange, sop_instance_uid: str) -> bool:
    return exchange.method == "POST" and sop_instance_uid in exchange.sop_instance_uids
