"""The district holds other content under the UID of an instance: that never confirms it, and a person is told."""

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from leapfrog.outbox.courier import NOT_COMPARED, OTHER_CONTENT
from leapfrog.settings.destinations import DISTRICT
from leapfrog.state.sending.exported import Exported, NewPart
from support.orthanc import Orthanc
from support.outbox_box import Box, wait_for_error
from support.owed import owe, part10_bytes, secondary_capture
from support.recording_proxy import Answer, CutAnswer, Exchange, RecordingProxy

CONFLICT = Answer(409)


def _put(orthanc: Orthanc, dataset: Dataset) -> bytes:
    content = part10_bytes(dataset)
    requests.post(f"{orthanc.url}/instances", data=content, timeout=10).raise_for_status()
    return content


def _like(dataset: Dataset, **attributes: object) -> Dataset:
    """The same instance by its UIDs, with something else in it."""
    uids = {
        keyword: getattr(dataset, keyword) for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    }
    return secondary_capture(len(dataset.PixelData), **{**uids, **attributes})


def _owe(box: Box, dataset: Dataset) -> str:
    owe(box.journal, box.spool, part10_bytes(dataset), dataset.SOPInstanceUID)
    return str(dataset.SOPInstanceUID)


def _reason(box: Box) -> str:
    [on_hold] = box.deliveries.listed("refused")
    return on_hold.last_error


OTHERS = {
    "other pixels": lambda dataset: _like(dataset, PixelData=bytes(len(dataset.PixelData))),
    "another shape": lambda dataset: _like(dataset, Rows=1, Columns=5000),
    "another patient": lambda dataset: _like(dataset, PatientID="P2"),
    "another patient whose number ends alike": lambda dataset: _like(
        dataset, PatientID=f"9{dataset.PatientID}", PixelData=dataset.PixelData
    ),
    "another study": lambda dataset: _like(dataset, StudyInstanceUID=generate_uid()),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_content_that_was_there_before_is_told_to_a_person(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, kind: str
) -> None:
    dataset = secondary_capture(5000)
    held = _put(orthanc, OTHERS[kind](dataset))
    uid = _owe(box, dataset)
    sender = box.sender(proxy.url)
    sender.start()
    box.wait_for(refused=1)
    assert _reason(box) == OTHER_CONTENT
    assert orthanc.file(uid) == held
    told = [problem for problem in sender.problems() if "under the identifier" in problem.what]
    assert len(told) == 1 and told[0].since and "Ask the district" in told[0].remedy


def test_after_a_kill_what_a_forgotten_exam_left_under_the_uid_is_compared(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    dataset = secondary_capture(5000)
    held = _put(orthanc, OTHERS["other pixels"](dataset))
    uid = _owe(box, dataset)
    box.journal.change(
        "INSERT INTO forgotten_instances (sop_instance_uid, sop_class_uid) VALUES (?, ?)", uid, dataset.SOPClassUID
    )
    box.deliveries.ask_before_sending()  # as a start does after a kill
    box.sender(proxy.url).start()
    box.wait_for(refused=1)
    assert _reason(box) == OTHER_CONTENT
    assert orthanc.file(uid) == held


def test_what_went_on_a_stick_is_compared_like_all_that_this_link_never_sent(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    """The district had another image under the identifier before the stick was written."""
    dataset = secondary_capture(5000)
    held = _put(orthanc, OTHERS["other pixels"](dataset))
    uid = _owe(box, dataset)
    [delivery] = box.deliveries.listed("waiting")
    Exported(box.journal).add(DISTRICT, NewPart("a" * 32, 1, "key", "d" * 64, 1, "b" * 64, ((delivery.id, "c" * 64),)))
    box.sender(proxy.url).start()
    box.wait_for(refused=1)
    assert _reason(box) == OTHER_CONTENT
    assert orthanc.file(uid) == held


def test_the_same_content_that_was_there_before_is_confirmed_without_sending_it(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    dataset = secondary_capture(5000)
    _put(orthanc, dataset)
    _owe(box, dataset)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert proxy.begun_posts == 0


def test_the_same_picture_whose_patient_was_renamed_there_is_confirmed(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    dataset = secondary_capture(5000)
    _put(orthanc, _like(dataset, PatientName="Secret^Corrected", PixelData=dataset.PixelData))
    _owe(box, dataset)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)


def test_the_same_picture_whose_patient_s_number_got_the_clinic_s_issuer_there_is_confirmed(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    dataset = secondary_capture(5000)
    _put(orthanc, _like(dataset, PatientID=f"KITUI-{dataset.PatientID}", PixelData=dataset.PixelData))
    _owe(box, dataset)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert proxy.begun_posts == 0


def test_a_conflict_with_other_content_is_no_confirmation(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    """The search did not know of it, but the store did."""
    dataset = secondary_capture(5000)
    held = _put(orthanc, OTHERS["other pixels"](dataset))
    uid = _owe(box, dataset)
    proxy.plan(Answer(204, content_type=""), method="GET")
    proxy.plan(CONFLICT)
    box.sender(proxy.url).start()
    box.wait_for(refused=1)
    assert _reason(box) == OTHER_CONTENT
    assert (proxy.posts[uid], orthanc.file(uid)) == (1, held)


def test_a_conflict_with_the_same_content_is_a_confirmation(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    dataset = secondary_capture(5000)
    _put(orthanc, dataset)
    uid = _owe(box, dataset)
    proxy.plan(Answer(204, content_type=""), method="GET")
    proxy.plan(CONFLICT)
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert proxy.posts[uid] == 1


def test_what_cannot_be_compared_is_told_to_a_person(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    dataset = secondary_capture(5000)
    _put(orthanc, dataset)
    _owe(box, dataset)
    proxy.always(lambda exchange: Answer(405) if _retrieves(exchange) else None)
    box.sender(proxy.url).start()
    box.wait_for(refused=1)
    assert _reason(box) == NOT_COMPARED


def test_what_we_sent_ourselves_is_not_retrieved(box: Box, proxy: RecordingProxy) -> None:
    box.owe(100_000)
    proxy.plan(CutAnswer())
    box.sender(proxy.url).start()
    box.wait_for(confirmed=1)
    assert not any(_retrieves(exchange) for exchange in proxy.exchanges)


def test_a_huge_answer_to_a_comparison_ends(box: Box, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    dataset = secondary_capture(5000)
    _put(orthanc, dataset)
    _owe(box, dataset)
    proxy.always(
        lambda exchange: (
            Answer(200, b"x" * 5_000_000) if _retrieves(exchange) and "metadata" not in exchange.path else None
        )
    )
    sender = box.sender(proxy.url)
    sender.start()
    box.wait_for(waiting=1)
    wait_for_error(sender, "too long")


def _retrieves(exchange: Exchange) -> bool:
    return exchange.method == "GET" and "/instances/" in exchange.path
