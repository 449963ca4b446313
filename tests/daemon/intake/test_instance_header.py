"""The header that is read before anything else looks at an instance."""

import struct
from pathlib import Path

import pydicom
import pytest

from leapfrog.intake.instance_header import InstanceHeader, is_whole, read_header
from leapfrog.state.records import StudyIdentity
from support.raw_peer import COMPUTED_RADIOGRAPHY, data_set, element

META = bytes(128) + b"DICM" + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
# A sequence and an item in it, both of undefined length, and their ends.
OPENING = struct.pack("<HH2s2xL", 0x0008, 0x1140, b"SQ", 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
CLOSING = struct.pack("<HHL", 0xFFFE, 0xE00D, 0) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def header_of(content: bytes, tmp_path: Path) -> InstanceHeader:
    path = tmp_path / "instance"
    path.write_bytes(content)
    return read_header(path)


def whole(content: bytes, tmp_path: Path) -> bool:
    path = tmp_path / "instance"
    path.write_bytes(content)
    with path.open("rb") as stream:
        return is_whole(stream)


def test_an_instance_says_who_it_is_and_where_it_belongs(tmp_path: Path) -> None:
    content = (
        element(0x00080005, b"CS", b"ISO_IR 192")
        + element(0x00080016, b"UI", COMPUTED_RADIOGRAPHY.encode())
        + element(0x00080018, b"UI", b"1.2.3")
        + element(0x00100020, b"LO", "Nº 7".encode())
        + element(0x00100021, b"LO", b"Clinic")
        + element(0x0020000D, b"UI", b"1.2.4")
    )
    assert header_of(META + content, tmp_path) == InstanceHeader(
        sop_class_uid=COMPUTED_RADIOGRAPHY,
        sop_instance_uid="1.2.3",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        study=StudyIdentity(study_instance_uid="1.2.4", patient_id="Nº 7", issuer_of_patient_id="Clinic"),
        has_identity=True,
    )


@pytest.mark.parametrize("kept", [0, 1, 131, 140, 200, 250, 10_000])
@pytest.mark.parametrize("last", [b"", element(0x00280008, b"IS", b"12"), element(0x00280010, b"US", b"\2\0")])
def test_the_first_bytes_that_are_still_at_hand_say_nothing_else_than_the_file(
    last: bytes, kept: int, tmp_path: Path
) -> None:
    content = META + element(0x00080018, b"UI", b"1.2.3") + element(0x0020000D, b"UI", b"1.2.4") + last + bytes(500)
    path = tmp_path / "instance"
    path.write_bytes(content)
    assert read_header(path, head=content[:kept]) == read_header(path)


def test_a_header_whose_bytes_are_at_hand_is_not_read_from_the_disk(tmp_path: Path) -> None:
    content = META + element(0x0020000D, b"UI", b"1.2.4") + element(0x00280010, b"US", b"\2\0")
    assert read_header(tmp_path / "gone", head=content).study.study_instance_uid == "1.2.4"


def test_identity_is_found_behind_hundreds_of_nested_sequences(tmp_path: Path) -> None:
    content = (
        META
        + element(0x00080018, b"UI", b"1.2.3")
        + OPENING * 300
        + CLOSING * 300
        + element(0x0020000D, b"UI", b"1.2.4")
    )
    header = header_of(content, tmp_path)
    assert (header.sop_instance_uid, header.study.study_instance_uid) == ("1.2.3", "1.2.4")
    assert whole(content, tmp_path)
    assert not whole(content[:-30], tmp_path)


def test_endless_nesting_is_abandoned(tmp_path: Path) -> None:
    header = header_of(META + element(0x00080018, b"UI", b"1.2.3") + OPENING * 100_000, tmp_path)
    assert header.sop_instance_uid == "1.2.3"
    assert header.study == StudyIdentity()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"not DICOM at all, but a letter to somebody",
        bytes(132),
        bytes(128) + b"DICM",
        META,
        META + b"\x08\x00\x18\x00UI\xff\xff1.2",
        META + struct.pack("<HH2s2xL", 0x0008, 0x0018, b"UN", 0xFFFFFFFE) + b"1.2.3",
        bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 16, b"UI", 0xFFFF) + b"1.2",
        bytes(range(256)) * 40,
    ],
)
def test_what_cannot_be_read_has_no_identity(content: bytes, tmp_path: Path) -> None:
    header = header_of(content, tmp_path)
    assert not header.has_identity
    assert header.study == StudyIdentity()


def test_a_value_of_absurd_length_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "instance"
    with path.open("wb") as stream:
        stream.write(META + struct.pack("<HH2s2xL", 0x0010, 0x0020, b"UN", 0xF0000000))
        stream.truncate(0xF1000000)  # a hole: the disk holds nothing of it
    assert len(read_header(path).study.patient_id) <= 1024


def test_a_deflated_data_set_is_not_inflated_and_known_by_its_meta_information(tmp_path: Path) -> None:
    meta = (
        bytes(128) + b"DICM" + element(0x00020002, b"UI", COMPUTED_RADIOGRAPHY.encode())
        + element(0x00020003, b"UI", b"1.2.3") + element(0x00020010, b"UI", b"1.2.840.10008.1.2.1.99")
    )  # fmt: skip
    header = header_of(meta + b"\x73\x74\x75", tmp_path)
    assert (header.sop_class_uid, header.sop_instance_uid) == (COMPUTED_RADIOGRAPHY, "1.2.3")
    assert header.study == StudyIdentity()
    assert not header.has_identity


def test_implicit_vr_under_a_name_of_explicit_vr_is_read(tmp_path: Path) -> None:
    content = struct.pack("<HHL", 0x0008, 0x0018, 6) + b"1.2.3\0" + struct.pack("<HHL", 0x0020, 0x000D, 6) + b"1.2.4\0"
    assert header_of(META + content, tmp_path).sop_instance_uid == "1.2.3"


def test_a_file_cut_anywhere_is_not_whole(tmp_path: Path) -> None:
    content = META + data_set("1.2.3", pixels=bytes(100))
    assert whole(content, tmp_path)
    for missing in range(1, 100):
        assert not whole(content[:-missing], tmp_path)


def test_real_files_say_what_pydicom_says(shared_data: Path) -> None:
    compared = 0
    for path in sorted((shared_data / "dicom").rglob("*.dcm")):
        header = read_header(path)
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        except Exception:
            continue
        if header.transfer_syntax_uid == "1.2.840.10008.1.2.1.99" or "SOPInstanceUID" not in dataset:
            continue
        assert header.sop_instance_uid == dataset.SOPInstanceUID, path.name
        assert header.sop_class_uid == dataset.get("SOPClassUID", ""), path.name
        assert header.study.study_instance_uid == dataset.get("StudyInstanceUID", ""), path.name
        assert header.study.patient_id == str(dataset.get("PatientID") or ""), path.name
        compared += 1
    assert compared > 80


@pytest.mark.parametrize(
    ("value", "frames"), [(b"60", 60), (b" 8 ", 8), (b"0", 1), (b"-3", 1), (b"9" * 900, 1), (b"1\\2", 1), (b"", 1)]
)
def test_a_cine_says_how_many_frames_it_has(value: bytes, frames: int, tmp_path: Path) -> None:
    study = element(0x00080018, b"UI", b"1.2.3") + element(0x0020000D, b"UI", b"1.2.4")
    header = header_of(META + study + element(0x00280008, b"IS", value), tmp_path)
    assert (header.frame_count, header.study.study_instance_uid) == (frames, "1.2.4")


def test_a_film_has_one_frame_and_what_comes_after_its_study_may_be_damaged(tmp_path: Path) -> None:
    study = element(0x00080018, b"UI", b"1.2.3") + element(0x0020000D, b"UI", b"1.2.4")
    header = header_of(META + study + b"\x20\x00\x11\x00IS\xff\xff", tmp_path)
    assert (header.frame_count, header.study.study_instance_uid) == (1, "1.2.4")
