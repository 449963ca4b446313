"""The digest that tells whether two files hold the same data set."""

from pathlib import Path

from leapfrog.dicom.part10 import content_digest, find_dataset
from leapfrog.dicom.uids import EXPLICIT_BIG_ENDIAN, EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN
from support.instances import gradient, image_dataset, save


def test_other_preamble_and_meta_information_leave_the_digest_unchanged(tmp_path: Path) -> None:
    original = save(image_dataset(gradient()), tmp_path / "a.dcm")
    dataset = image_dataset(gradient())
    dataset.preamble = b"II*\0" + b"x" * 124
    other = save(dataset, tmp_path / "b.dcm")
    dataset.file_meta.SourceApplicationEntityTitle = "ELSEWHERE"
    dataset.file_meta.ImplementationVersionName = "OTHER_9"
    dataset.save_as(other, enforce_file_format=True)
    assert original.read_bytes() != other.read_bytes()
    assert content_digest(original) == content_digest(other)


def test_a_headless_file_has_the_digest_of_the_same_data_set_with_a_header(tmp_path: Path) -> None:
    for syntax in (IMPLICIT_LITTLE_ENDIAN, EXPLICIT_LITTLE_ENDIAN, EXPLICIT_BIG_ENDIAN):
        whole = save(image_dataset(gradient()), tmp_path / "whole.dcm", syntax)
        with whole.open("rb") as stream:
            start = find_dataset(stream)
        headless = tmp_path / "headless"
        headless.write_bytes(whole.read_bytes()[start.offset :])
        with headless.open("rb") as stream:
            guessed = find_dataset(stream)
        assert (guessed.transfer_syntax_uid, guessed.offset, guessed.has_meta) == (syntax, 0, False)
        assert content_digest(headless) == content_digest(whole)


def test_one_changed_pixel_or_another_transfer_syntax_changes_the_digest(tmp_path: Path) -> None:
    pixels = gradient()
    digests = {content_digest(save(image_dataset(pixels), tmp_path / "a.dcm"))}
    digests.add(content_digest(save(image_dataset(pixels), tmp_path / "b.dcm", IMPLICIT_LITTLE_ENDIAN)))
    pixels[5, 5] += 1
    digests.add(content_digest(save(image_dataset(pixels), tmp_path / "c.dcm")))
    assert len(digests) == 3


def test_a_wrong_group_length_does_not_mislead(tmp_path: Path) -> None:
    right = save(image_dataset(gradient()), tmp_path / "a.dcm")
    content = bytearray(right.read_bytes())
    content[140:144] = (9999).to_bytes(4, "little")
    wrong = tmp_path / "b.dcm"
    wrong.write_bytes(content)
    assert content_digest(wrong) == content_digest(right)


def test_an_empty_file_has_no_data_set_and_does_no_harm(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    assert len(content_digest(empty)) == 64
