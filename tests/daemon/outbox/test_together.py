"""Small results of a backlog go in one request and are asked for with one question; each is confirmed by itself."""

import json

import pytest

from leapfrog.outbox.sender import MOST_TOGETHER
from support.orthanc import Orthanc
from support.outbox_box import Box
from support.recording_proxy import Answer, CutAnswer, Exchange, HalfAnswer, Mishap, RecordingProxy, Reset

REPORTS = 12
JSON = "application/dicom+json"


def _backlog(box: Box, count: int = REPORTS, byte_count: int = 1_000) -> list[str]:
    box.owe()  # their study
    return [box.owe_result(byte_count=byte_count) for _ in range(count)]


def _all_arrive_once(box: Box, orthanc: Orthanc, uids: list[str]) -> None:
    box.wait_for(confirmed=len(uids) + 1)
    held = orthanc.held()
    assert [held[uid] for uid in uids] == [1] * len(uids)


def _of_several(exchange: Exchange) -> bool:
    return exchange.method == "POST" and len(exchange.sop_instance_uids) > 1


def test_a_backlog_of_small_results_takes_few_requests(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    uids = _backlog(box)
    box.sender(proxy.url).start()
    _all_arrive_once(box, orthanc, uids)
    assert set(proxy.posts.values()) == {1}
    of_results = [each for each in proxy.exchanges if set(uids) & set(each.sop_instance_uids)]
    assert len([each for each in of_results if each.method == "POST"]) <= 3
    # One before the first, which proves the link, one after it, and one after those that went together.
    assert len(of_results) <= 7
    assert max(len(each.sop_instance_uids) for each in of_results if each.method == "POST") <= MOST_TOGETHER


def test_an_urgent_result_goes_alone(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    uids = _backlog(box)
    with box.journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET urgent = 1 WHERE sop_instance_uid IN (?, ?)", uids[:2])
    box.sender(proxy.url).start()
    _all_arrive_once(box, orthanc, uids)
    order = [each.sop_instance_uids for each in proxy.exchanges if each.method == "POST"]
    assert [one for one in order if set(one) <= set(uids)][:2] == [(uids[1],), (uids[0],)]


def test_large_results_go_one_by_one(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    uids = _backlog(box, 4, byte_count=60_000)
    box.sender(proxy.url).start()
    _all_arrive_once(box, orthanc, uids)
    assert not [each for each in proxy.exchanges if _of_several(each)]


def _half_stored(exchange: Exchange) -> Answer:
    stored, failed = exchange.sop_instance_uids[::2], exchange.sop_instance_uids[1::2]
    items = [{"00081155": {"vr": "UI", "Value": [uid]}} for uid in stored]
    failures = [
        {"00081155": {"vr": "UI", "Value": [uid]}, "00081197": {"vr": "US", "Value": [0xA700]}} for uid in failed
    ]
    content = {"00081199": {"vr": "SQ", "Value": items}, "00081198": {"vr": "SQ", "Value": failures}}
    return Answer(202, json.dumps(content).encode(), JSON)


@pytest.mark.parametrize(
    "mishap",
    [
        CutAnswer(),
        HalfAnswer(0.5),
        Reset(2_500),
        Answer(413),
        Answer(500),
        Answer(200, b"<html><title>Welcome</title>Please sign in</html>"),
        Answer(302, headers={"Location": "http://portal.example/login"}),
        Answer(200, b'{"00081199": {"vr": "SQ"}}', JSON),
        "half stored",
    ],
    ids=str,
)
def test_whatever_comes_of_a_request_with_several_each_arrives_once(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, mishap: Mishap | str
) -> None:
    uids = _backlog(box, 5)
    befallen: list[Exchange] = []

    def choose(exchange: Exchange) -> Mishap | None:
        if befallen or not _of_several(exchange):
            return None
        befallen.append(exchange)
        return _half_stored(exchange) if isinstance(mishap, str) else mishap

    if isinstance(mishap, Reset):
        begun = iter(range(100))  # one by one the film and the first result, then those together
        proxy.always_before_body(lambda method: mishap if method == "POST" and next(begun) == 2 else None)
    else:
        proxy.always(choose)
    box.sender(proxy.url).start()
    _all_arrive_once(box, orthanc, uids)


def test_one_that_the_server_does_not_take_stands_in_no_others_way(box: Box, orthanc: Orthanc) -> None:
    uids = _backlog(box, 5)
    [row] = box.journal.rows("SELECT spool_name, byte_count FROM deliveries WHERE sop_instance_uid = ?", (uids[2],))
    box.spool.path(row["spool_name"]).write_bytes(b"\xff" * row["byte_count"])
    box.sender(orthanc.dicomweb_url).start()
    box.wait_for(confirmed=5)
    held = orthanc.held()
    assert [held[uid] for uid in uids if uid != uids[2]] == [1] * 4
    assert held[uids[2]] == 0


def test_a_server_that_takes_none_of_several_gets_them_one_by_one(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    uids = _backlog(box, 40)
    proxy.always(lambda exchange: Answer(413) if _of_several(exchange) else None)
    box.sender(proxy.url).start()
    _all_arrive_once(box, orthanc, uids)
    assert len([each for each in proxy.exchanges if _of_several(each)]) == 2
