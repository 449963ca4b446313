"""Attributes are read in their own character set, and nothing malformed stops a reading or reaches the log."""

import logging
import warnings
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from leapfrog.reader.image.attributes import integer, items, numbers, text, uid_name
from leapfrog.reader.image.dicom_file import open_dicom_file

NAMES = {
    "chrArab": "قباني^لنزار",
    "chrFren": "Buc^Jérôme",
    "chrGB2312": "Zhang^XiaoDong=张^小东",
    "chrGerm": "Äneas^Rüdiger",
    "chrGreek": "Διονυσιος",
    "chrH31": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "chrH32": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "chrHbrw": "שרון^דבורה",
    "chrI2": "Hong^Gildong=洪^吉洞=홍^길동",
    "chrJapMulti": "やまだ^たろう",
    "chrKoreanMulti": "김희중",
    "chrRuss": "Люкceмбypг",  # noqa: RUF001  half of its letters are Latin, as in the file
    "chrX1": "Wang^XiaoDong=王^小東",
    "chrX2": "Wang^XiaoDong=王^小东",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_read_in_their_own_script(name: str, shared_data: Path) -> None:
    file = open_dicom_file(shared_data / "dicom" / "fo-dicom_MSPL" / "charset" / f"{name}.dcm")
    assert text(file.dataset, "PatientName") == NAMES[name]


def raw(keyword_tag: int, representation: str, value: bytes) -> Dataset:
    """A data set with one element whose value was not parsed yet."""
    from pydicom.dataelem import RawDataElement

    tag = BaseTag(keyword_tag)
    return Dataset({tag: RawDataElement(tag, representation, len(value), value, 0, False, True)})


def test_malformed_values_count_as_not_given_without_a_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        assert integer(raw(0x00280008, "IS", b"SECRET^NAME"), "NumberOfFrames") is None
        assert numbers(raw(0x00281050, "DS", b"40\\SECRET\\1e999"), "WindowCenter") in ((), (40.0,))
        assert text(raw(0x00100010, "PN", b"\xff\xfeSECRET"), "PatientName").endswith("SECRET")
        assert integer(raw(0x00280010, "US", b"\x01"), "Rows") is None
        assert items(raw(0x00186011, "LO", b"SECRET"), "SequenceOfUltrasoundRegions") == ()
        assert uid_name("1.2.SECRET") == ""
    assert not warned
    assert "SECRET" not in caplog.text


def test_text_is_one_line_without_control_characters() -> None:
    assert text(raw(0x00081030, "LO", b"CHEST\r\n\x1b[31mPA\0 "), "StudyDescription") == "CHEST   [31mPA"


def test_numbers_keep_their_order_and_leave_out_what_is_none() -> None:
    dataset = Dataset()
    dataset.WindowCenter = [40, 50]
    assert numbers(dataset, "WindowCenter") == (40.0, 50.0)
    assert numbers(dataset, "WindowWidth") == ()
