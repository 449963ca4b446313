"""An instance that is sent under a new UID is the same object in everything but its name."""

import struct
import subprocess
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import MPEG2MPML, UID, DeflatedExplicitVRLittleEndian, SecondaryCaptureImageStorage

from leapfrog.dicom.part10 import find_dataset
from leapfrog.dicom.renaming import renamed_source
from leapfrog.dicom.uids import (
    EXPLICIT_BIG_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    IMPLEMENTATION_CLASS_UID,
    IMPLICIT_LITTLE_ENDIAN,
)
from leapfrog.errors import CannotBeRenamed
from leapfrog.intake.instance_header import read_header
from leapfrog.reader.image.attributes import lenient_parsing
from support.instances import SOP_INSTANCE_UID, gradient, image_dataset, items, save

NEW_UID = "2.25.99887766554433221100"
CHANGED_TAGS = {0x00080000, 0x00080018, 0x00082112}


def send(path: Path, out: Path) -> Path:
    """The file `out` as a district server gets it when `path` is sent under NEW_UID."""
    source = renamed_source(path, NEW_UID)
    with source.path.open("rb") as stream:
        stream.seek(source.offset)
        out.write_bytes(source.head + stream.read(source.file_bytes))
    assert out.stat().st_size == source.byte_count
    return out


def reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = SecondaryCaptureImageStorage
    item.ReferencedSOPInstanceUID = UID(uid)
    return item


def raw_elements(path: Path) -> dict[int, object]:
    with lenient_parsing():
        dataset = pydicom.dcmread(path, force=True)
    return {tag: getattr(dataset.get_item(tag), "value", None) for tag in set(dataset._dict) - CHANGED_TAGS}


@pytest.mark.parametrize("syntax", [IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN])
def test_only_the_uid_changes_and_the_old_one_is_named_as_the_source(syntax: str, tmp_path: Path) -> None:
    path = save(image_dataset(gradient()), tmp_path / "a.dcm", syntax)
    send(path, tmp_path / "copy.dcm")
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    assert copy.SOPInstanceUID == copy.file_meta.MediaStorageSOPInstanceUID == NEW_UID
    assert copy.file_meta.TransferSyntaxUID == syntax
    assert copy.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert [item.ReferencedSOPInstanceUID for item in copy.SourceImageSequence] == [SOP_INSTANCE_UID]
    assert copy.SourceImageSequence[0].ReferencedSOPClassUID == copy.SOPClassUID
    assert raw_elements(path) == raw_elements(tmp_path / "copy.dcm")
    checked = subprocess.run(["dcmdump", "+E", str(tmp_path / "copy.dcm")], capture_output=True, text=True, check=True)
    assert checked.stderr == ""


@pytest.mark.parametrize("undefined_length", [True, False])
@pytest.mark.parametrize("syntax", [IMPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN])
def test_sources_that_were_there_stay(syntax: str, undefined_length: bool, tmp_path: Path) -> None:
    dataset = image_dataset(gradient(), SourceImageSequence=[reference("2.25.5"), reference("2.25.6")])
    dataset["SourceImageSequence"].is_undefined_length = undefined_length
    path = save(dataset, tmp_path / "a.dcm", syntax)
    send(path, tmp_path / "copy.dcm")
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    sources = [item.ReferencedSOPInstanceUID for item in copy.SourceImageSequence]
    assert sources == ["2.25.5", "2.25.6", SOP_INSTANCE_UID]
    assert raw_elements(path) == raw_elements(tmp_path / "copy.dcm")


def test_what_cannot_be_decoded_is_copied_too(tmp_path: Path) -> None:
    dataset = image_dataset(gradient())
    dataset.PixelData = items(b"\x01\x02" * 5000)
    dataset["PixelData"].is_undefined_length = True
    path = save(dataset, tmp_path / "a.dcm", MPEG2MPML)
    send(path, tmp_path / "copy.dcm")
    assert pydicom.dcmread(tmp_path / "copy.dcm").PixelData == pydicom.dcmread(path).PixelData


def test_a_headless_file_gets_the_meta_information_that_it_lacked(tmp_path: Path) -> None:
    whole = save(image_dataset(gradient()), tmp_path / "a.dcm", EXPLICIT_BIG_ENDIAN)
    with whole.open("rb") as stream:
        start = find_dataset(stream)
    headless = tmp_path / "headless"
    headless.write_bytes(whole.read_bytes()[start.offset :])
    send(headless, tmp_path / "copy.dcm")
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    assert copy.file_meta.TransferSyntaxUID == EXPLICIT_BIG_ENDIAN
    assert copy.SOPInstanceUID == NEW_UID


def test_without_a_uid_or_deflated_it_cannot_be_renamed(tmp_path: Path) -> None:
    dataset = image_dataset(gradient())
    headless = tmp_path / "headless"
    del dataset.SOPInstanceUID
    dataset.save_as(headless, implicit_vr=True, little_endian=True, enforce_file_format=False)
    deflated = save(image_dataset(gradient()), tmp_path / "deflated.dcm", DeflatedExplicitVRLittleEndian)
    for path in (headless, deflated):
        with pytest.raises(CannotBeRenamed):
            send(path, tmp_path / "copy.dcm")


def test_without_a_class_uid_it_cannot_be_renamed_and_the_reason_says_so(tmp_path: Path) -> None:
    dataset = image_dataset(gradient())
    del dataset.SOPClassUID
    headless = tmp_path / "headless"
    dataset.save_as(headless, implicit_vr=True, little_endian=True, enforce_file_format=False)
    with pytest.raises(CannotBeRenamed, match="SOP Class UID"):
        renamed_source(headless, NEW_UID)


def test_a_beginning_that_would_not_fit_in_memory_is_refused(tmp_path: Path) -> None:
    dataset = image_dataset(gradient())
    dataset.add_new(0x00081000, "OB", bytes(17 << 20))
    path = save(dataset, tmp_path / "a.dcm", IMPLICIT_LITTLE_ENDIAN)
    with pytest.raises(CannotBeRenamed, match="no real image"):
        renamed_source(path, NEW_UID)


def test_a_class_uid_that_is_far_too_long_is_left_in_the_data_set_and_kept_out_of_the_head(tmp_path: Path) -> None:
    start, _, rest = (
        save(image_dataset(gradient()), tmp_path / "a.dcm", IMPLICIT_LITTLE_ENDIAN)
        .read_bytes()
        .rpartition(b"\x08\0\x16\0")
    )
    length = int.from_bytes(rest[:4], "little")
    long_one = b"\x08\0\x16\0" + (70_000).to_bytes(4, "little") + b"1" * 70_000
    (tmp_path / "long.dcm").write_bytes(start + long_one + rest[4 + length :])
    send(tmp_path / "long.dcm", tmp_path / "copy.dcm")
    assert len(read_file_meta_info(tmp_path / "copy.dcm").MediaStorageSOPClassUID) <= 64
    assert b"1" * 70_000 in (tmp_path / "copy.dcm").read_bytes()


def test_every_real_file_with_a_uid_can_be_copied(shared_data: Path, tmp_path: Path) -> None:
    count = 0
    for path in sorted((shared_data / "dicom").rglob("*.dcm")):
        try:
            send(path, tmp_path / "copy.dcm")
        except CannotBeRenamed:
            continue
        before, after = raw_elements(path), raw_elements(tmp_path / "copy.dcm")
        assert before.keys() == after.keys(), path.name
        count += 1
    assert count >= 115


def test_what_stands_for_a_sequence_and_is_none_gives_way_to_one(tmp_path: Path) -> None:
    """Its length of 16 bits leaves no room for an item."""
    path = save(image_dataset(gradient()), tmp_path / "a.dcm")
    content = path.read_bytes()
    behind = content.index(struct.pack("<HH", 0x0010, 0x0010))
    path.write_bytes(
        content[:behind] + struct.pack("<HH2sH", 0x0008, 0x2112, b"LO", 65530) + b"x" * 65530 + content[behind:]
    )
    copy = pydicom.dcmread(send(path, tmp_path / "copy.dcm"))
    assert [item.ReferencedSOPInstanceUID for item in copy.SourceImageSequence] == [SOP_INSTANCE_UID]


def test_a_second_uid_in_a_data_set_does_not_bring_the_old_one_back(tmp_path: Path) -> None:
    path = save(image_dataset(gradient()), tmp_path / "a.dcm")
    content = path.read_bytes()
    uid = struct.pack("<HH2sH", 0x0008, 0x0018, b"UI", 10) + b"2.25.1001\0"
    assert content.count(uid) == 1
    path.write_bytes(content.replace(uid, uid + uid))
    sent = send(path, tmp_path / "copy.dcm")
    assert read_header(sent).sop_instance_uid == NEW_UID
    assert pydicom.dcmread(sent).SOPInstanceUID == NEW_UID
    assert uid not in sent.read_bytes()


def test_a_second_uid_behind_larger_tags_is_not_sent_along(tmp_path: Path) -> None:
    path = save(image_dataset(gradient()), tmp_path / "a.dcm")
    pixels = struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW")
    content = path.read_bytes()
    uid = struct.pack("<HH2sH", 0x0008, 0x0018, b"UI", 10) + b"2.25.1001\0"
    path.write_bytes(content.replace(pixels, uid + pixels))
    with pytest.raises(CannotBeRenamed, match="twice"):
        renamed_source(path, NEW_UID)
