"""What a courier brings to real archives: DCMTK's storescp and dcmqrscp, and Orthanc."""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless, generate_uid

from leapfrog.dicom.part10 import find_dataset
from leapfrog.errors import DistrictLocked, DistrictUnreachable
from leapfrog.outbox.courier import CONFIRMED
from leapfrog.state.records import DeliveryRecord
from support.archives import IMPLICIT, JPEG_LS, query_scp, store_scp
from support.courier_box import CourierBox
from support.orthanc import Orthanc, orthanc_program
from support.owed import secondary_capture
from support.ports import free_port


def dataset_bytes(stream: BinaryIO) -> bytes:
    find_dataset(stream)
    return stream.read()


def sent_bytes(box: CourierBox, delivery: DeliveryRecord) -> bytes:
    return box.spool.path(delivery.spool_name or "").read_bytes()[: delivery.byte_count]


def test_an_image_arrives_as_the_bytes_that_it_is(box: CourierBox, archive_folder: Path) -> None:
    delivery = box.owe(300_000)
    with store_scp(archive_folder) as archive:
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
        (arrived,) = archive.files()
        assert dataset_bytes(BytesIO(arrived.read_bytes())) == dataset_bytes(BytesIO(sent_bytes(box, delivery)))


def test_several_images_go_over_one_association(box: CourierBox, archive_folder: Path) -> None:
    with store_scp(archive_folder) as archive:
        courier = box.courier(archive.port)
        for _ in range(5):
            assert box.make(courier, box.owe()) == CONFIRMED
        assert len(archive.files()) == 5


def test_a_compressed_image_goes_as_it_is_where_that_is_taken(box: CourierBox, archive_folder: Path) -> None:
    image = secondary_capture()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = JPEGLSLossless
    image.PixelData = encapsulate([b"a codestream that nobody looks into"])
    image["PixelData"].is_undefined_length = True
    written = BytesIO()
    dcmwrite(written, image, enforce_file_format=True)
    delivery = box.owe_bytes(written.getvalue(), str(image.SOPInstanceUID))
    with store_scp(archive_folder) as archive:
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
        (arrived,) = archive.files()
        assert dataset_bytes(BytesIO(arrived.read_bytes())) == dataset_bytes(BytesIO(sent_bytes(box, delivery)))
    assert dcmread(arrived).file_meta.TransferSyntaxUID == JPEG_LS


def test_an_archive_that_takes_only_implicit_vr_gets_it(box: CourierBox, archive_folder: Path) -> None:
    image = secondary_capture(5000)
    delivery = box.owe_dataset(image)
    with store_scp(archive_folder, "+xi") as archive:
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
        (path,) = archive.files()
    arrived = dcmread(path)
    assert arrived.file_meta.TransferSyntaxUID == IMPLICIT
    assert arrived.PixelData == image.PixelData and arrived.PatientName == image.PatientName


def test_an_image_whose_uid_was_taken_arrives_under_its_new_one(box: CourierBox, archive_folder: Path) -> None:
    image, new_uid = secondary_capture(), generate_uid()
    delivery = box.owe_dataset(image, forward_as=new_uid)
    with store_scp(archive_folder) as archive:
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
        (path,) = archive.files()
    arrived = dcmread(path)
    assert arrived.SOPInstanceUID == new_uid
    assert arrived.SourceImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert arrived.PixelData == image.PixelData


def test_an_archive_that_can_be_asked_does_not_get_twice_what_it_has(box: CourierBox, archive_folder: Path) -> None:
    delivery = box.owe()
    with query_scp(archive_folder) as archive:
        courier = box.courier(archive.port)
        assert box.make(courier, delivery) == CONFIRMED
        (kept,) = archive.files()
        written = kept.stat().st_mtime_ns
        box.deliveries.ask_before_sending()  # as if the box had died before the answer was noted
        assert box.make(courier, delivery) == CONFIRMED
        (kept_now,) = archive.files()
        assert (kept_now, kept_now.stat().st_mtime_ns) == (kept, written)


def test_an_archive_that_lost_it_gets_it_again(box: CourierBox, archive_folder: Path) -> None:
    delivery = box.owe()
    box.deliveries.ask_before_sending()
    with query_scp(archive_folder) as archive:
        assert box.make(box.courier(archive.port), delivery) == CONFIRMED
        assert archive.held() == {delivery.sop_instance_uid: 1}


def test_an_archive_that_does_not_know_the_box_says_what_to_do(box: CourierBox, archive_folder: Path) -> None:
    delivery = box.owe()
    with query_scp(archive_folder) as archive:
        courier = box.courier(archive.port, ae_title="ANOTHER")
        with pytest.raises(DistrictLocked, match=r"Set ae_title of the destination archive to the AE title"):
            box.make(courier, delivery)


def test_an_archive_that_is_off_is_unreachable(box: CourierBox) -> None:
    delivery = box.owe()
    with pytest.raises(DistrictUnreachable, match=r"cannot be reached \(connection refused\)") as raised:
        box.make(box.courier(free_port()), delivery)
    assert not raised.value.was_connected
    assert not box.again(delivery).posted


def test_a_name_that_nobody_knows_is_named(box: CourierBox) -> None:
    delivery = box.owe()
    with pytest.raises(DistrictUnreachable, match=r"archive\.invalid cannot be looked up"):
        box.make(box.courier(free_port(), host="archive.invalid"), delivery)


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
def test_orthanc_takes_it_once_however_often_it_is_sent(box: CourierBox, tmp_path: Path) -> None:
    delivery, new_uid = box.owe(20_000), generate_uid()
    renamed = box.owe(forward_as=new_uid)
    with Orthanc(tmp_path / "orthanc") as orthanc:
        courier = box.courier(orthanc.dicom_port)
        for one in (delivery, renamed, delivery):
            assert box.make(courier, one) == CONFIRMED
        box.deliveries.ask_before_sending()
        assert box.make(courier, delivery) == CONFIRMED
        assert orthanc.held() == {delivery.sop_instance_uid: 1, new_uid: 1}
