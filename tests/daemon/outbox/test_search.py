"""Asking whether the district holds an instance: what different servers have for that."""

from collections.abc import Callable

import pytest

from support.orthanc import Orthanc
from support.outbox_box import Box, wait_for_error, wait_for_link
from support.recording_proxy import Answer, CutAnswer, Exchange, Mishap, RecordingProxy
from support.waiting import wait_until

EMPTY_MODEL = (
    b"--b\r\nContent-Type: application/dicom+xml\r\n\r\n"
    b'<NativeDicomModel><DicomAttribute tag="00080018" vr="UI"><Value number="1">1.2</Value></DicomAttribute>'
    b"</NativeDicomModel>\r\n--b--\r\n"
)
MULTIPART = 'multipart/related; type="application/dicom+xml"; boundary="b"'


def _is_search_of_all(exchange: Exchange) -> bool:
    return exchange.method == "GET" and "/dicom-web/instances" in exchange.path


def _asked(proxy: RecordingProxy, part: str) -> int:
    return sum(part in each.path for each in proxy.exchanges if each.method == "GET")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"", "application/dicom+json"),
        Answer(200, b"", ""),
        Answer(200, b" \r\n", "application/json"),
        Answer(200, b"null", "application/dicom+json"),
        Answer(200, b"[]", "application/dicom+json"),
        Answer(204, b"", ""),
        Answer(200, b"", MULTIPART),
        Answer(200, b"--b--\r\n", MULTIPART),
        Answer(200, EMPTY_MODEL, MULTIPART),
    ],
)
def test_an_answer_that_lists_nothing_means_not_held(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, answer: Answer
) -> None:
    uid = box.owe()
    proxy.plan(answer, method="GET")
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert (orthanc.held()[uid], proxy.posts[uid]) == (1, 1)
    assert proxy.exchanges[1].method == "POST"


def test_multipart_xml_that_lists_it_means_held(box: Box, proxy: RecordingProxy) -> None:
    uid = box.owe()
    proxy.plan(CutAnswer())
    proxy.always(
        lambda exchange: (
            (Answer(200, EMPTY_MODEL.replace(b"1.2", uid.encode()), MULTIPART) if proxy.posts[uid] else None)
            if _is_search_of_all(exchange)
            else None
        )
    )
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert proxy.posts[uid] == 1


def test_an_empty_web_page_is_no_answer(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    proxy.always(lambda exchange: Answer(200, b"", "text/html; charset=utf-8"))
    sender = box.sender(proxy.url)
    sender.start()
    wait_for_error(sender, "web page")
    assert proxy.begun_posts == 0


def _only_below_a_series(status: int) -> Callable[[Exchange], Mishap | None]:
    return lambda exchange: (
        Answer(status, b'{"message": "no"}', "application/json") if _is_search_of_all(exchange) else None
    )


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_server_that_searches_only_below_a_series_is_asked_there(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, status: int
) -> None:
    uids = [box.owe() for _ in range(4)]
    proxy.always(_only_below_a_series(status))
    proxy.plan(CutAnswer())
    box.sender(proxy.url).start()
    box.wait_for(confirmed=4)
    assert [orthanc.held()[uid] for uid in uids] == [1] * 4
    assert [proxy.posts[uid] for uid in uids] == [1] * 4, "a lost answer is asked for there, too"
    assert sum(_is_search_of_all(each) for each in proxy.exchanges) == 1, "it is not asked in vain again"


def _only_metadata(exchange: Exchange) -> Mishap | None:
    wants_search = "metadata" not in exchange.path and "/studies?" not in exchange.path
    return Answer(404, b"no", "text/plain") if exchange.method == "GET" and wants_search else None


def test_a_server_that_only_gives_metadata_is_asked_for_them(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    uids = [box.owe() for _ in range(3)]
    proxy.always(_only_metadata)
    proxy.plan(CutAnswer())
    box.sender(proxy.url).start()
    box.wait_for(confirmed=3)
    assert [proxy.posts[uid] for uid in uids] == [1] * 3
    assert [orthanc.held()[uid] for uid in uids] == [1] * 3


def test_a_server_that_cannot_be_asked_is_taken_at_its_word_and_people_are_told(
    box: Box, proxy: RecordingProxy
) -> None:
    for _ in range(3):
        box.owe()
    proxy.always(lambda exchange: Answer(501) if exchange.method == "GET" else None)
    sender = box.sender(proxy.url)
    sender.start()
    box.wait_for(confirmed=3)
    wait_until(lambda: [each for each in sender.problems() if "cannot be asked" in each.what], "the problem")
    [problem] = sender.problems()
    assert "QIDO-RS" in problem.remedy and problem.since
    assert _asked(proxy, "/studies?") == 1, "the other ways to ask are tried once"


@pytest.mark.parametrize("status", [400, 404])
def test_any_web_server_gets_no_image(box: Box, proxy: RecordingProxy, status: int) -> None:
    box.owe()
    proxy.always(lambda exchange: Answer(status, b"<html>no such page</html>"))
    sender = box.sender(proxy.url)
    sender.start()
    wait_for_link(sender, "down")
    wait_for_error(sender, "does not come from a DICOMweb server")
    assert proxy.begun_posts == 0


def _lying(exchange: Exchange) -> Mishap | None:
    """Says that it stored the instance, and lets nothing through."""
    if exchange.method != "POST":
        return None
    stored = ",".join(f'{{"00081155": {{"vr": "UI", "Value": ["{uid}"]}}}}' for uid in exchange.sop_instance_uids)
    return Answer(200, f'{{"00081199": {{"vr": "SQ", "Value": [{stored}]}}}}'.encode(), "application/dicom+json")


def test_a_success_that_the_search_does_not_bear_out_confirms_nothing(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    first = box.owe()
    sender = box.sender(proxy.url)
    sender.start()
    box.wait_for(confirmed=1)
    proxy.always(_lying)
    uid = box.owe()
    wait_until(lambda: proxy.posts[uid] >= 5, "a few lies")
    assert box.count("waiting") == 1
    assert [each.last_error for each in box.deliveries.listed("waiting") if "does not list" in each.last_error]
    proxy.always(lambda exchange: None)
    box.wait_for(confirmed=2)
    assert (orthanc.held()[uid], proxy.posts[first]) == (1, 1)


def test_a_search_that_never_lists_anything_does_not_keep_things_back_for_ever(box: Box, proxy: RecordingProxy) -> None:
    uid = box.owe()
    proxy.always(lambda exchange: Answer(204, content_type="") if exchange.method == "GET" else None)
    sender = box.sender(proxy.url)
    sender.start()
    box.wait_for(confirmed=1)
    assert proxy.posts[uid] == 3
    assert any("does not list" in each.what for each in sender.problems())
