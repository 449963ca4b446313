"""From the door to the report: what arrives a second time under one UID, with real readers."""

from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from leapfrog.intake.admission import Admission
from leapfrog.intake.instance_header import read_header
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.exam_numbers import ExamNumbers
from support.instances import gradient, image_dataset, save
from support.reading_box import Box, running
from support.waiting import wait_until


def admission_of(box: Box) -> Admission:
    numbers = ExamNumbers(box.journal, box.settings.state_dir, settled=True)
    return Admission(box.journal, box.spool, numbers, ("district",), box.dispatcher.wake)


def admit(box: Box, dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> str:
    """Let `dataset` in, as the receiver does, in that transfer syntax. Returns the instance's id."""
    incoming = save(dataset, box.spool.incoming / "arriving.dcm")
    if syntax != ExplicitVRLittleEndian:
        compressed = dcmread(incoming)
        compressed.compress(syntax, generate_instance_uid=False)
        compressed.save_as(incoming)
    return admission_of(box).admit_dicom(incoming, read_header(incoming), "test")


def shown(box: Box, instance_id: str, count: int) -> list[str]:
    """The ids in the instance's report, once it has `count` images and everything was read."""

    def images() -> list[str]:
        found = [image["instance_id"] for image in box.report(instance_id).get("images", [])]
        return found if len(found) == count and not box.journal.counts("instances")["received"] else []

    return wait_until(images, f"the report shows {count} images", deadline_seconds=60)


def test_the_same_image_in_another_transfer_syntax_is_shown_and_owed_once_and_a_resend_of_it_is_held(
    tmp_path: Path,
) -> None:
    with running(Box(tmp_path)) as box:
        first = admit(box, image_dataset(gradient()))
        again = admit(box, image_dataset(gradient()), JPEGLSLossless)
        box.wait_for_state(again, "read")
        assert shown(box, first, 1) == [first]
        assert [one.instance_id for one in Deliveries(box.journal).listed("waiting")] == [first]
        assert admit(box, image_dataset(gradient()), JPEGLSLossless) == again
        assert admit(box, image_dataset(gradient())) == first


def test_another_image_under_the_same_uid_is_shown_and_owed_too(tmp_path: Path) -> None:
    with running(Box(tmp_path)) as box:
        first = admit(box, image_dataset(gradient()))
        other = admit(box, image_dataset(gradient(top=3000)), JPEGLSLossless)
        assert shown(box, first, 2) == [first, other]
        ready = [one.instance_id for one in Deliveries(box.journal).listed("waiting") if one.spool_name]
        assert ready == [first, other]


def test_one_that_cannot_be_forwarded_for_lack_of_a_class_is_shown_all_the_same(tmp_path: Path) -> None:
    with running(Box(tmp_path)) as box:
        first = admit(box, image_dataset(gradient()))
        classless = image_dataset(gradient(top=3000))
        incoming = box.spool.incoming / "classless"
        del classless.SOPClassUID
        classless.save_as(incoming, implicit_vr=True, little_endian=True, enforce_file_format=False)
        second = admission_of(box).admit_dicom(incoming, read_header(incoming), "test")
        assert shown(box, first, 2) == [first, second]
        record = box.record(second)
        assert (record.state, "damaged" in record.reason) == ("read", False)
