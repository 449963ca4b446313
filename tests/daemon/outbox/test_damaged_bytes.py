"""Damaged bytes are never sent whole, so never confirmed; a repair sends the right ones."""

import hashlib
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from leapfrog.state.instances import Instances
from leapfrog.state.spooled_files import SpooledFiles
from support.orthanc import Orthanc
from support.outbox_box import Box
from support.owed import owe, part10_bytes, secondary_capture

LARGE = 2_000_000  # bytes of pixels; many chunks


def spool_path(box: Box, instance_id: str) -> Path:
    record = Instances(box.journal).get(instance_id)
    assert record is not None
    return box.spool.path(record.spool_name)


@pytest.mark.parametrize("pixel_bytes", [1000, LARGE])
@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("at", [400, -400], ids=["near the beginning", "near the end"])
def test_damaged_bytes_are_refused_and_the_district_never_has_them(
    box: Box, orthanc: Orthanc, pixel_bytes: int, renamed: bool, at: int
) -> None:
    dataset = secondary_capture(pixel_bytes)
    content = part10_bytes(dataset)
    forward_as = str(generate_uid(None)) if renamed else None
    instance_id = owe(box.journal, box.spool, content, str(dataset.SOPInstanceUID), forward_as=forward_as)
    with box.journal.transaction() as connection:
        connection.execute("UPDATE deliveries SET spool_name = ?", (spool_path(box, instance_id).name,))
    damaged = bytearray(content)
    damaged[at] ^= 1  # a letter of a UID, or a pixel
    path = spool_path(box, instance_id)
    path.write_bytes(bytes(damaged) + path.read_bytes()[len(content) :])
    sender = box.sender(orthanc.dicomweb_url)
    sender.start()
    box.wait_for(refused=1)
    [refused] = box.deliveries.listed("refused")
    assert "damaged" in refused.last_error
    assert orthanc.held()[refused.sop_instance_uid] == 0

    path.write_bytes(content)  # as a resend does
    SpooledFiles(box.journal).repaired(instance_id, len(content), hashlib.sha256(content).hexdigest(), "")
    sender.wake()
    box.wait_for(confirmed=1)
    held = pydicom.dcmread(BytesIO(orthanc.file(refused.sop_instance_uid)))
    assert held.PixelData == dataset.PixelData


def test_a_file_that_is_missing_is_refused_with_what_to_do(box: Box, orthanc: Orthanc) -> None:
    dataset = secondary_capture()
    instance_id = owe(box.journal, box.spool, part10_bytes(dataset), str(dataset.SOPInstanceUID))
    spool_path(box, instance_id).unlink()
    box.sender(orthanc.dicomweb_url).start()
    box.wait_for(refused=1)
    [refused] = box.deliveries.listed("refused")
    assert "No such file" in refused.last_error
