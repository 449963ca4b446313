"""A smaller copy of an original is sent where it is taken; where not, the original goes as it came, and is never
refused for the form in which it was sent.
"""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from leapfrog.lanes.recoding.comparison import Comparisons
from leapfrog.lanes.recoding.recoder import Recoder
from leapfrog.outbox.courier import NOT_COMPARED
from leapfrog.outbox.forms import Copy, Forms
from leapfrog.outbox.outbox import Outbox
from leapfrog.reader.originals.recoding.compression import compress
from leapfrog.settings import DestinationSettings, DistrictSettings
from leapfrog.state.sending.encodings import Encodings
from leapfrog.state.sending.taken_syntaxes import TakenSyntaxes
from support.destinations import a_district
from support.orthanc import Orthanc
from support.outbox_box import QUICK, Box
from support.owed import owe, part10_bytes, secondary_capture
from support.recording_proxy import Answer, CutAnswer, Exchange, RecordingProxy
from support.waiting import wait_until

NEW_UID = "2.25.987654321"


class Sending:
    """A sender with its recoder, which are started together."""

    def __init__(self, box: Box, url: str) -> None:
        self.box = box
        self.destination = DestinationSettings(name="district", url=url)
        self.taken = TakenSyntaxes(box.journal, (self.destination,))
        self.recoder = Recoder(
            journal=box.journal, spool=box.spool, taken=self.taken, min_free_bytes=0,
            on_made=lambda: self.sender.wake(), ready=lambda: True,  # noqa: PLW0108
        )  # fmt: skip
        same_image = Comparisons(box.spool.work, self.recoder.goes_on).same_image
        forms = Forms(
            box.spool, Encodings(box.journal), self.taken, is_coming=self.recoder.is_coming, same_image=same_image
        )
        self.sender = Outbox(
            (self.destination,), DistrictSettings(), box.deliveries, box.spool, box.fatal.append, QUICK, forms=forms
        )  # fmt: skip
        box.senders.append(self.sender)

    def start(self) -> None:
        self.recoder.start()
        self.sender.start()


@pytest.fixture
def sending(box: Box, proxy: RecordingProxy) -> Iterator[Sending]:
    one = Sending(box, proxy.url)
    yield one
    one.recoder.stop()


def owe_read(box: Box, dataset: Dataset, *, forward_as: str | None = None) -> str:
    """Owe an original that was read. Returns its SOP Instance UID."""
    instance_id = owe(box.journal, box.spool, part10_bytes(dataset), dataset.SOPInstanceUID, forward_as=forward_as)
    box.journal.change("UPDATE instances SET state = 'read' WHERE id = ?", instance_id)
    return str(dataset.SOPInstanceUID)


def syntaxes_posted(proxy: RecordingProxy) -> list[str]:
    """The transfer syntax of each instance that was posted whole, oldest first."""
    return [
        str(dcmread(io.BytesIO(each.body[each.body.index(b"\r\n\r\n") + 4 :]), stop_before_pixels=True)
            .file_meta.TransferSyntaxUID)
        for each in proxy.exchanges
        if each.method == "POST" and each.sop_instance_uids
    ]  # fmt: skip


def refusing_jpeg_ls(answer: Callable[[str], Answer]) -> Callable[[Exchange], Answer | None]:
    return lambda exchange: (
        answer(exchange.sop_instance_uids[0])
        if exchange.method == "POST" and JPEGLSLossless.encode() in exchange.body
        else None
    )


def failed(uid: str, reason: int) -> Answer:
    item = {"00081155": {"vr": "UI", "Value": [uid]}, "00081197": {"vr": "US", "Value": [reason]}}
    body = json.dumps({"00081198": {"vr": "SQ", "Value": [item]}}).encode()
    return Answer(409, body, content_type="application/dicom+json")


def test_the_district_gets_a_smaller_copy_and_gives_back_the_very_pixels(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, sending: Sending
) -> None:
    dataset = secondary_capture(200_000)
    uid = owe_read(box, dataset)
    sending.start()
    box.wait_for(confirmed=1)
    held = orthanc.file(uid)
    assert len(held) < 100_000
    assert dcmread(io.BytesIO(held)).file_meta.TransferSyntaxUID == JPEGLSLossless
    found = requests.post(f"{orthanc.url}/tools/lookup", data=uid, timeout=10).json()
    [place] = [one["Path"] for one in found if one["Type"] == "Instance"]
    change = {"Transcode": ExplicitVRLittleEndian, "Keep": ["SOPInstanceUID"], "Force": True}
    answer = requests.post(f"{orthanc.url}{place}/modify", json=change, timeout=10)
    back = dcmread(io.BytesIO(answer.content))  # as Orthanc decodes it
    assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert back.PixelData == dataset.PixelData
    assert back.PatientName == dataset.PatientName


def test_a_renamed_instance_is_sent_smaller_under_its_new_uid(box: Box, orthanc: Orthanc, sending: Sending) -> None:
    dataset = secondary_capture(200_000)
    owe_read(box, dataset, forward_as=NEW_UID)
    box.journal.change(
        "UPDATE deliveries SET spool_name = (SELECT spool_name FROM instances WHERE id = instance_id)"
        " WHERE spool_name IS NULL"
    )
    sending.start()
    box.wait_for(confirmed=1)
    held = dcmread(io.BytesIO(orthanc.file(NEW_UID)))
    assert held.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert held.SOPInstanceUID == NEW_UID


REFUSALS = {
    "415": lambda _uid: Answer(415),
    "C122, transfer syntax not supported": lambda uid: failed(uid, 0xC122),
    "0122, SOP class not supported": lambda uid: failed(uid, 0x0122),
    "a reason that says nothing of it": lambda uid: failed(uid, 0xC000),
    "400 without a reason": lambda _uid: Answer(400),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_district_that_refuses_the_copy_gets_the_original_and_no_other_copy(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, sending: Sending, kind: str
) -> None:
    proxy.always(refusing_jpeg_ls(REFUSALS[kind]))
    first, second = secondary_capture(50_000), secondary_capture(50_000)
    owe_read(box, first)
    sending.start()
    box.wait_for(confirmed=1)
    owe_read(box, second)
    sending.sender.wake()
    box.wait_for(confirmed=2, refused=0)
    assert syntaxes_posted(proxy) == [JPEGLSLossless, ExplicitVRLittleEndian, ExplicitVRLittleEndian]
    assert dcmread(io.BytesIO(orthanc.file(str(first.SOPInstanceUID)))).PixelData == first.PixelData


def test_what_was_refused_is_tried_again_after_a_month_or_another_setting(box: Box) -> None:
    district = DestinationSettings(name="district", url="http://district.example/dicom-web")
    taken = TakenSyntaxes(box.journal, (district,))
    taken.decline("district", JPEGLSLossless)
    assert taken.by("district") == frozenset()
    changed = district.model_copy(update={"transfer_syntaxes": (str(JPEGLSLossless),)})
    assert TakenSyntaxes(box.journal, (changed,)).by("district") == {JPEGLSLossless}
    assert TakenSyntaxes(box.journal, (district,)).by("district") == frozenset()
    for moved in ("-32 days", "+400 days"):  # long ago; or the clock was set back since
        box.journal.change("UPDATE declined_syntaxes SET declined_on = date('now', ?)", moved)
        assert taken.by("district") == {JPEGLSLossless}


def test_a_copy_that_is_damaged_on_the_disk_does_not_hold_up_its_original(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, sending: Sending
) -> None:
    dataset = secondary_capture(200_000)
    uid = owe_read(box, dataset)
    sending.recoder.start()
    [delivery] = box.deliveries.listed("waiting")
    box.senders.clear()
    encodings = Encodings(box.journal)
    copy = wait_until(
        lambda: encodings.best_for(delivery, (str(JPEGLSLossless),)), "a copy is there", deadline_seconds=60.0
    )
    with box.spool.path(copy.spool_name).open("r+b") as stream:
        stream.seek(copy.byte_count - 100)
        stream.write(b"damage")
    box.senders.append(sending.sender)
    sending.sender.start()
    box.wait_for(confirmed=1, refused=0)
    assert dcmread(io.BytesIO(orthanc.file(uid))).PixelData == dataset.PixelData
    assert "damaged" in encodings.reason(delivery.sop_instance_uid, JPEGLSLossless)


def test_a_copy_whose_answer_was_lost_is_known_again(
    box: Box, orthanc: Orthanc, proxy: RecordingProxy, sending: Sending
) -> None:
    proxy.plan(CutAnswer())
    uid = owe_read(box, secondary_capture(200_000))
    sending.start()
    box.wait_for(confirmed=1)
    assert proxy.posts[uid] == 1


@pytest.mark.parametrize("same", [True, False])
def test_what_the_district_holds_in_another_transfer_syntax_is_compared_by_its_pixels(
    box: Box, orthanc: Orthanc, sending: Sending, tmp_path: Path, same: bool
) -> None:
    """Such as a copy that this box sent, whose confirmation it lost with its journal."""
    dataset = secondary_capture(200_000)
    uid = owe_read(box, dataset)
    held = dcmread(io.BytesIO(part10_bytes(dataset)))
    if not same:
        held.PixelData = b"\1" + held.PixelData[1:]
    copy = io.BytesIO()
    compress(io.BytesIO(part10_bytes(held)), copy)
    orthanc.add(copy.getvalue())
    sending.start()
    box.wait_for(confirmed=int(same), refused=int(not same))
    assert dcmread(io.BytesIO(orthanc.file(uid))).file_meta.TransferSyntaxUID == JPEGLSLossless
    if not same:
        assert box.deliveries.listed("refused")[0].last_error == NOT_COMPARED


def test_a_larger_copy_that_was_made_for_another_destination_is_no_form_for_this_one(box: Box) -> None:
    uid = owe_read(box, secondary_capture(1_000))
    delivery = next(one for one in box.deliveries.listed() if one.sop_instance_uid == uid)
    encodings = Encodings(box.journal)
    encodings.want(delivery, ExplicitVRLittleEndian)
    wanted = encodings.next_wanted([], 1)
    assert wanted
    larger = part10_bytes(secondary_capture(9_000))
    box.spool.path("larger.dcm").write_bytes(larger)
    encodings.made(encodings.begin(wanted), "larger.dcm", len(larger), "")
    district = a_district(transfer_syntaxes=(ExplicitVRLittleEndian,))
    forms = Forms(box.spool, encodings, TakenSyntaxes(box.journal, (district,)))
    assert forms.copy_of(delivery) is None
    assert isinstance(forms.uncompressed(delivery), Copy)
