"""A file from an old machine is completed to a whole DICOM file."""

from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from leapfrog.dicom.encoding import EXPLICIT_LITTLE
from leapfrog.dicom.part10 import Part10Source, find_dataset, part10_source
from leapfrog.errors import StorageError
from support.owed import part10_bytes, secondary_capture

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.7"


def _sent(source: Part10Source) -> bytes:
    content = source.head + source.path.read_bytes()[source.offset :]
    assert len(content) == source.byte_count
    return content


def _headless(implicit: bool, little: bool) -> tuple[str, bytes]:
    dataset = secondary_capture()
    written = BytesIO()
    pydicom.dcmwrite(written, dataset, implicit_vr=implicit, little_endian=little, force_encoding=True)
    return dataset.SOPInstanceUID, written.getvalue()


def test_a_whole_file_goes_out_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "whole.dcm"
    file.write_bytes(part10_bytes(secondary_capture()))
    assert _sent(part10_source(file, "1.2", "1.2.3")) == file.read_bytes()


@pytest.mark.parametrize(
    ("implicit", "little", "transfer_syntax"),
    [
        (True, True, ImplicitVRLittleEndian),
        (False, True, ExplicitVRLittleEndian),
        (False, False, ExplicitVRBigEndian),
    ],
)
def test_a_bare_data_set_gets_preamble_and_meta(
    tmp_path: Path, implicit: bool, little: bool, transfer_syntax: str
) -> None:
    uid, content = _headless(implicit, little)
    file = tmp_path / "bare"
    file.write_bytes(content)
    sent = pydicom.dcmread(BytesIO(_sent(part10_source(file, SOP_CLASS, uid))))
    assert sent.file_meta.TransferSyntaxUID == transfer_syntax
    assert (sent.file_meta.MediaStorageSOPInstanceUID, sent.SOPInstanceUID) == (uid, uid)
    assert sent.PixelData == secondary_capture().PixelData


def test_meta_without_a_preamble_gets_the_preamble(tmp_path: Path) -> None:
    whole = part10_bytes(secondary_capture())
    file = tmp_path / "no-preamble"
    file.write_bytes(whole[132:])
    assert _sent(part10_source(file, "1.2", "1.2.3")) == bytes(128) + b"DICM" + whole[132:]


def test_a_preamble_without_meta_gets_the_meta(tmp_path: Path) -> None:
    uid, content = _headless(implicit=True, little=True)
    file = tmp_path / "no-meta"
    file.write_bytes(b"\x7f" * 128 + b"DICM" + content)
    sent = _sent(part10_source(file, SOP_CLASS, uid))
    assert sent.startswith(bytes(128) + b"DICM\x02\x00")
    assert sent.endswith(content)
    assert pydicom.dcmread(BytesIO(sent)).SOPInstanceUID == uid


def test_a_uid_that_the_standard_forbids_goes_out_as_it_came(tmp_path: Path) -> None:
    file = tmp_path / "bare"
    file.write_bytes(_headless(implicit=True, little=True)[1])
    assert b"1.2.003.4" in part10_source(file, SOP_CLASS, "1.2.003.4").head


def test_a_file_of_a_few_bytes_breaks_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tiny"
    for content in (b"", b"\x00", b"\x08\x00\x05"):
        file.write_bytes(content)
        assert part10_source(file, SOP_CLASS, "1.2.3").file_bytes == len(content)


def test_a_missing_file_is_reported_as_unreadable(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        part10_source(tmp_path / "gone", SOP_CLASS, "1.2.3")


def test_a_second_meta_information_is_passed_over_and_its_values_do_not_count() -> None:
    dataset = secondary_capture()
    whole = part10_bytes(dataset)
    start = find_dataset(BytesIO(whole))
    second = b"".join(
        (
            EXPLICIT_LITTLE.element(0x00020000, b"UL", (26).to_bytes(4, "little")),
            EXPLICIT_LITTLE.element(0x00020010, b"UI", ImplicitVRLittleEndian.encode()),
        )
    )
    twice = find_dataset(BytesIO(whole[: start.offset] + second + whole[start.offset :]))
    assert twice.transfer_syntax_uid == start.transfer_syntax_uid != ImplicitVRLittleEndian
    assert twice.sop_instance_uid == start.sop_instance_uid
    assert twice.offset == start.offset + len(second)
