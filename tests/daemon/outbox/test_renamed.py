"""What has the UID of another instance leaves the box under its own, or says why not; it never waits for ever."""

from io import BytesIO

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from leapfrog.state.instances import Instances
from leapfrog.state.records import CommittedReading
from support.journal_rows import reading_of
from support.orthanc import Orthanc
from support.outbox_box import Box
from support.owed import owe, part10_bytes, secondary_capture

NEW_UID = "2.25.123456789"


def owe_renamed(box: Box, dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> str:
    """Owe `dataset` under NEW_UID, set aside unread, as an instance is that no reader survives."""
    content = part10_bytes(dataset)
    if syntax == DeflatedExplicitVRLittleEndian:
        whole, deflated = pydicom.dcmread(BytesIO(content)), BytesIO()
        whole.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        whole.save_as(deflated)
        content = deflated.getvalue()
    instance_id = owe(box.journal, box.spool, content, str(dataset.SOPInstanceUID), forward_as=NEW_UID)
    Instances(box.journal).commit_reading(
        CommittedReading(instance_id=instance_id, state="set_aside", reading=reading_of(instance_id))
    )
    return instance_id


def test_a_renamed_instance_that_was_set_aside_arrives_under_its_new_uid(box: Box, orthanc: Orthanc) -> None:
    dataset = secondary_capture()
    owe_renamed(box, dataset)
    box.sender(orthanc.dicomweb_url).start()
    box.wait_for(confirmed=1)
    held = pydicom.dcmread(BytesIO(orthanc.file(NEW_UID)))
    assert held.PixelData == dataset.PixelData
    assert [item.ReferencedSOPInstanceUID for item in held.SourceImageSequence] == [dataset.SOPInstanceUID]


def test_one_that_cannot_be_renamed_is_on_hold_with_its_reason_until_a_person_gives_it_up(
    box: Box, orthanc: Orthanc
) -> None:
    instance_id = owe_renamed(box, secondary_capture(), DeflatedExplicitVRLittleEndian)
    box.sender(orthanc.dicomweb_url).start()
    box.wait_for(refused=1)
    [refused] = box.deliveries.listed("refused")
    assert "Deflated" in refused.last_error
    assert box.deliveries.dismiss(instance_id) == 1
    assert box.deliveries.oldest_owed_seconds() is None
