"""Objects in the form that a medium may have: nothing is lost, and no bomb goes off."""

import zlib
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from leapfrog.dicom.encoding import EXPLICIT_LITTLE
from leapfrog.reader.originals.recoding.refusal import AsItCame
from leapfrog.reader.patient_copy import plain_form
from leapfrog.reader.patient_copy.plain_form import add_identifiers, write_as_it_came, write_plain
from support.instances import gradient, image_dataset, save

UIDS = ("1.2.840.10008.5.1.4.1.1.1", "2.25.1001")


def deflated(path: Path, content: bytes) -> Path:
    """A file whose data set is `content`, compressed."""
    save(image_dataset(gradient()), path, DeflatedExplicitVRLittleEndian)
    head = path.read_bytes()[: 132 + 12 + int.from_bytes(path.read_bytes()[140:144], "little")]
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    path.write_bytes(head + compressor.compress(content) + compressor.flush())
    return path


def test_what_inflates_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_form, "MOST_INFLATED", 4 << 20)
    bomb = deflated(tmp_path / "bomb.dcm", bytes(64 << 20))
    with pytest.raises(AsItCame):
        write_plain(bomb, bomb.stat().st_size, UIDS, "", tmp_path / "out")
    assert (tmp_path / "out").stat().st_size < 6 << 20


def test_a_deflated_file_that_ends_early_is_not_taken_for_whole(tmp_path: Path) -> None:
    short = deflated(tmp_path / "short.dcm", bytes(1000))
    with pytest.raises(AsItCame):
        write_plain(short, short.stat().st_size - 4, UIDS, "", tmp_path / "out")


def test_a_file_without_a_beginning_gets_one(tmp_path: Path) -> None:
    whole = save(image_dataset(gradient()), tmp_path / "whole.dcm")
    bare = tmp_path / "bare.dcm"
    head = 132 + 12 + int.from_bytes(whole.read_bytes()[140:144], "little")
    bare.write_bytes(whole.read_bytes()[head:])
    write_plain(bare, bare.stat().st_size, UIDS, "", tmp_path / "out")
    assert dcmread(tmp_path / "out") == dcmread(whole)
    write_as_it_came(bare, bare.stat().st_size, UIDS, tmp_path / "aside", dicom=True)
    assert dcmread(tmp_path / "aside") == dcmread(whole)


def test_identifiers_are_added_where_they_belong(tmp_path: Path) -> None:
    dataset = image_dataset(gradient())
    dataset.SeriesInstanceUID = ""
    del dataset.StudyInstanceUID, dataset.SOPInstanceUID
    path = tmp_path / "film.dcm"
    dataset.file_meta = dcmread(save(image_dataset(gradient()), path)).file_meta
    dataset.save_as(path, enforce_file_format=False, implicit_vr=False, little_endian=True)
    add_identifiers(path, {0x00080018: "2.25.1", 0x0020000D: "2.25.2", 0x0020000E: "2.25.3"})
    found = dcmread(path)
    assert (found.SOPInstanceUID, found.StudyInstanceUID, found.SeriesInstanceUID) == ("2.25.1", "2.25.2", "2.25.3")
    assert list(found.keys()) == sorted(found.keys())
    assert found.PixelData == dataset.PixelData
    assert not (tmp_path / "WORK.TMP").exists()


def test_of_a_second_meta_information_nothing_stays(tmp_path: Path) -> None:
    """As some gateways add it: viewers take it for the beginning of the data set."""
    whole = save(image_dataset(gradient()), tmp_path / "whole.dcm")
    content = whole.read_bytes()
    end = 132 + 12 + int.from_bytes(content[140:144], "little")
    second = EXPLICIT_LITTLE.element(0x00020010, b"UI", b"1.2.840.10008.1.2\0")
    length = EXPLICIT_LITTLE.element(0x00020000, b"UL", len(second).to_bytes(4, "little"))
    twice = tmp_path / "twice.dcm"
    twice.write_bytes(content[:end] + length + second + content[end:])
    write_plain(twice, twice.stat().st_size, UIDS, "", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content
