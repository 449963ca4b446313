"""A copy under a new UID is the same object in everything but its name."""

import subprocess
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MPEG2MPML, UID, DeflatedExplicitVRLittleEndian, SecondaryCaptureImageStorage

from leapfrog.dicom.part10 import find_dataset
from leapfrog.dicom.uids import (
    EXPLICIT_BIG_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLEMENTATION_CLASS_UID,
    IMPLICIT_LITTLE_ENDIAN,
)
from leapfrog.errors import UnreadableImage
from leapfrog.processes.messages import ProducedObject
from leapfrog.reader.image.attributes import lenient_parsing
from leapfrog.reader.objects.finished_object import Purpose
from leapfrog.reader.originals.forwarding import forward_copy
from support.instances import SOP_INSTANCE_UID, gradient, image_dataset, items, save
from support.spooled import without_record

NEW_UID = "2.25.99887766554433221100"
PURPOSE = Purpose("forward_copy", "study", "instance")
CHANGED_TAGS = {0x00080000, 0x00080018, 0x00082112}


def reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = SecondaryCaptureImageStorage
    item.ReferencedSOPInstanceUID = UID(uid)
    return item


def copied(path: Path, new_uid: str, out: Path) -> ProducedObject:
    made = forward_copy(path, new_uid, out, PURPOSE)
    without_record(out)
    return made


def raw_elements(path: Path) -> dict[int, object]:
    with lenient_parsing():
        dataset = pydicom.dcmread(path, force=True)
    return {tag: getattr(dataset.get_item(tag), "value", None) for tag in set(dataset._dict) - CHANGED_TAGS}


@pytest.mark.parametrize("syntax", [IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN])
def test_only_the_uid_changes_and_the_old_one_is_named_as_the_source(syntax: str, tmp_path: Path) -> None:
    path = save(image_dataset(gradient()), tmp_path / "a.dcm", syntax)
    made = copied(path, NEW_UID, tmp_path / "copy.dcm")
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    assert copy.SOPInstanceUID == copy.file_meta.MediaStorageSOPInstanceUID == NEW_UID
    assert copy.file_meta.TransferSyntaxUID == syntax
    assert copy.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert [item.ReferencedSOPInstanceUID for item in copy.SourceImageSequence] == [SOP_INSTANCE_UID]
    assert copy.SourceImageSequence[0].ReferencedSOPClassUID == copy.SOPClassUID
    assert raw_elements(path) == raw_elements(tmp_path / "copy.dcm")
    assert (made.role, made.sop_instance_uid, made.name) == ("forward_copy", NEW_UID, "copy.dcm")
    assert made.byte_count == (tmp_path / "copy.dcm").stat().st_size
    checked = subprocess.run(["dcmdump", "+E", str(tmp_path / "copy.dcm")], capture_output=True, text=True, check=True)
    assert checked.stderr == ""


@pytest.mark.parametrize("undefined_length", [True, False])
@pytest.mark.parametrize("syntax", [IMPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN])
def test_sources_that_were_there_stay(syntax: str, undefined_length: bool, tmp_path: Path) -> None:
    dataset = image_dataset(gradient(), SourceImageSequence=[reference("2.25.5"), reference("2.25.6")])
    dataset["SourceImageSequence"].is_undefined_length = undefined_length
    path = save(dataset, tmp_path / "a.dcm", syntax)
    copied(path, NEW_UID, tmp_path / "copy.dcm")
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    sources = [item.ReferencedSOPInstanceUID for item in copy.SourceImageSequence]
    assert sources == ["2.25.5", "2.25.6", SOP_INSTANCE_UID]
    assert raw_elements(path) == raw_elements(tmp_path / "copy.dcm")


def test_what_cannot_be_decoded_is_copied_too(tmp_path: Path) -> None:
    dataset = image_dataset(gradient())
    dataset.PixelData = items(b"\x01\x02" * 5000)
    dataset["PixelData"].is_undefined_length = True
    path = save(dataset, tmp_path / "a.dcm", MPEG2MPML)
    copied(path, NEW_UID, tmp_path / "copy.dcm")
    assert pydicom.dcmread(tmp_path / "copy.dcm").PixelData == pydicom.dcmread(path).PixelData


def test_a_headless_file_gets_the_meta_information_that_it_lacked(tmp_path: Path) -> None:
    whole = save(image_dataset(gradient()), tmp_path / "a.dcm", EXPLICIT_BIG_ENDIAN)
    with whole.open("rb") as stream:
        start = find_dataset(stream)
    headless = tmp_path / "headless"
    headless.write_bytes(whole.read_bytes()[start.offset :])
    copied(headless, NEW_UID, tmp_path / "copy.dcm")
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    assert copy.file_meta.TransferSyntaxUID == EXPLICIT_BIG_ENDIAN
    assert copy.SOPInstanceUID == NEW_UID


def test_without_a_uid_or_deflated_there_is_no_copy_and_nothing_is_left_behind(tmp_path: Path) -> None:
    dataset = image_dataset(gradient())
    headless = tmp_path / "headless"
    del dataset.SOPInstanceUID
    dataset.save_as(headless, implicit_vr=True, little_endian=True, enforce_file_format=False)
    deflated = save(image_dataset(gradient()), tmp_path / "deflated.dcm", DeflatedExplicitVRLittleEndian)
    for path in (headless, deflated):
        with pytest.raises(UnreadableImage):
            copied(path, NEW_UID, tmp_path / "copy.dcm")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deflated.dcm", "headless"]


def test_a_class_uid_that_is_far_too_long_is_left_in_the_data_set_and_kept_out_of_the_head(tmp_path: Path) -> None:
    start, _, rest = (
        save(image_dataset(gradient()), tmp_path / "a.dcm", IMPLICIT_LITTLE_ENDIAN)
        .read_bytes()
        .rpartition(b"\x08\0\x16\0")
    )
    length = int.from_bytes(rest[:4], "little")
    long_one = b"\x08\0\x16\0" + (70_000).to_bytes(4, "little") + b"1" * 70_000
    (tmp_path / "long.dcm").write_bytes(start + long_one + rest[4 + length :])
    made = copied(tmp_path / "long.dcm", NEW_UID, tmp_path / "copy.dcm")
    assert len(made.sop_class_uid) <= 64
    assert b"1" * 70_000 in (tmp_path / "copy.dcm").read_bytes()


def test_every_real_file_with_a_uid_can_be_copied(shared_data: Path, tmp_path: Path) -> None:
    count = 0
    for path in sorted((shared_data / "dicom").rglob("*.dcm")):
        try:
            copied(path, NEW_UID, tmp_path / "copy.dcm")
        except UnreadableImage:
            continue
        before, after = raw_elements(path), raw_elements(tmp_path / "copy.dcm")
        assert before.keys() == after.keys(), path.name
        count += 1
    assert count >= 115
