"""Names are read in the character set that they are really in, and the report says where that was assumed."""

from pathlib import Path
from typing import get_args

import pytest
from pydicom.dataset import Dataset

from leapfrog.dicom.character_sets import CODE_PAGES, CODECS, actual_character_set, codec_of, python_codec
from leapfrog.exam import PictureHints
from leapfrog.reader.image.dicom_file import open_dicom_file
from leapfrog.reader.image.identity import identity_of
from leapfrog.settings import AssumableCharacterSet
from support.instances import gradient, image_dataset, save

VIETNAMESE = "Nguyễn^Thị Ánh"
PERSIAN = "علی\u200cرضا^نیک\u200cپور"  # noqa: RUF001
MALAYALAM = "കൃഷ്ണന്\u200d^രാജന്\u200d"


def named(content: bytes, folder: Path, character_set: str | None = None, implicit: bool = False) -> Path:
    """A file whose patient's name has the bytes `content`."""
    placeholder = "N" * (len(content) + len(content) % 2)
    dataset = image_dataset(gradient(), PatientName=placeholder)
    if character_set is not None:
        dataset.SpecificCharacterSet = character_set
    path = save(dataset, folder / "a.dcm", "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1")
    padded = content + b" " * (len(content) % 2)
    path.write_bytes(path.read_bytes().replace(placeholder.encode(), padded))
    return path


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("declared", [None, "", "ISO_IR 6", "ISO_IR 100", "ISO 2022 IR 6"])
@pytest.mark.parametrize("name", [VIETNAMESE, "Müller^Jörg", PERSIAN])
def test_utf_8_that_is_not_declared_is_read_and_said(
    name: str, declared: str | None, implicit: bool, tmp_path: Path
) -> None:
    file = open_dicom_file(named(name.encode(), tmp_path, declared, implicit))
    assert identity_of(file.dataset, PictureHints()).patient_name == name
    assert "UTF-8 was assumed" in file.note


@pytest.mark.parametrize(
    ("name", "declared", "codec"),
    [
        ("Müller^Jörg", None, "latin-1"),
        ("Müller^Jörg", "ISO_IR 100", "latin-1"),
        ("Müller^Jörg", "ISO 2022 IR 100", "latin-1"),
        ("Люкceмбypг", "ISO_IR 144", "iso8859-5"),  # noqa: RUF001
        ("УА^УЂ", "ISO_IR 144", "iso8859-5"),  # noqa: RUF001 - its bytes could be UTF-8
        ("Διονυσιος", "ISO_IR 126", "iso8859-7"),
        ("王^小东", "GB18030", "gb18030"),
        (PERSIAN, "ISO_IR 192", "utf-8"),
        ("Doe^Jane", None, "ascii"),
    ],
)
def test_what_is_declared_rightly_stays_as_it_is(name: str, declared: str | None, codec: str, tmp_path: Path) -> None:
    file = open_dicom_file(named(name.encode(codec), tmp_path, declared))
    assert identity_of(file.dataset, PictureHints()).patient_name == name
    assert file.note == ""


def test_what_is_called_utf_8_and_is_not_is_read_as_latin_1(tmp_path: Path) -> None:
    file = open_dicom_file(named("Müller^Jörg".encode("latin-1"), tmp_path, "ISO_IR 192"))
    assert identity_of(file.dataset, PictureHints()).patient_name == "Müller^Jörg"
    assert file.note.startswith("The file's text is not encoded as it says (UTF-8); Latin-1 was assumed.")


@pytest.mark.parametrize(
    ("name", "declared", "codec", "assumed"),
    [
        ("Иванова^Анна", None, "cp1251", "windows-1251"),
        ("Иванова^Анна", "ISO_IR 100", "cp1251", "windows-1251"),
        ("Иванова^Анна", "ISO_IR 192", "cp1251", "windows-1251"),
        ("محمد^علي", "ISO_IR 6", "iso8859-6", "ISO_IR 127"),
        ("สมชาย", "", "tis-620", "ISO_IR 166"),
        ("王^小东", None, "gb18030", "GB18030"),
        ("联通", None, "gb18030", "GB18030"),  # its bytes could be UTF-8
    ],
)
def test_the_set_of_the_settings_stands_for_text_that_declares_none_or_what_machines_write_anyway(
    name: str, declared: str | None, codec: str, assumed: str, tmp_path: Path
) -> None:
    file = open_dicom_file(named(name.encode(codec), tmp_path, declared), None, assumed)
    assert identity_of(file.dataset, PictureHints()).patient_name == name
    assert f"{assumed} was assumed, as this box is set" in file.note


@pytest.mark.parametrize(
    ("name", "declared", "codec", "assumed", "said"),
    [
        (VIETNAMESE, None, "utf-8", "windows-1251", "UTF-8 was assumed"),
        ("王^小东", None, "utf-8", "GB18030", "UTF-8 was assumed"),
        ("Διονυσιος", "ISO_IR 126", "iso8859-7", "windows-1251", ""),
        (PERSIAN, "ISO_IR 192", "utf-8", "windows-1251", ""),
        ("Doe^Jane", None, "ascii", "windows-1251", ""),
        ("Müller^Jörg", "ISO_IR 100", "latin-1", "ISO_IR 166", ""),  # its bytes cannot be that
    ],
)
def test_utf_8_and_what_is_declared_and_no_habit_win_over_the_set_of_the_settings(
    name: str, declared: str | None, codec: str, assumed: str, said: str, tmp_path: Path
) -> None:
    file = open_dicom_file(named(name.encode(codec), tmp_path, declared), None, assumed)
    assert identity_of(file.dataset, PictureHints()).patient_name == name
    assert said in file.note and bool(said) == bool(file.note)


@pytest.mark.parametrize("name", [PERSIAN, MALAYALAM])
def test_joiners_in_names_are_kept_and_other_unprinted_characters_become_blanks(name: str, tmp_path: Path) -> None:
    file = open_dicom_file(named(f"{name}\u202e\u00adA".encode(), tmp_path, "ISO_IR 192"))
    assert identity_of(file.dataset, PictureHints()).patient_name == f"{name}  A"


def test_a_data_set_made_in_memory_is_left_alone() -> None:
    dataset = Dataset()
    dataset.PatientName = VIETNAMESE
    assert identity_of(dataset, PictureHints()).patient_name == VIETNAMESE


@pytest.mark.parametrize(
    ("declared", "values", "actual"),
    [
        ("", [b"Doe"], ""),
        ("", ["Ánh".encode(), b"Doe"], "ISO_IR 192"),
        ("", ["Ánh".encode(), "Ánh".encode("latin-1")], ""),  # one value cannot be UTF-8
        ("ISO_IR 13", ["Ánh".encode()], "ISO_IR 13"),
        ("ISO_IR 192 ", ["Ánh".encode("latin-1")], "ISO_IR 100"),
        ("ISO_IR 192", ["Ánh".encode("latin-1"), "Ánh".encode()], "ISO_IR 192"),
    ],
)
def test_the_bytes_decide_where_the_declaration_is_missing_or_impossible(
    declared: str, values: list[bytes], actual: str
) -> None:
    assert actual_character_set(declared, values) == actual


def test_a_patient_id_is_decoded_likewise_by_the_intake() -> None:
    assert codec_of(b"", ["Ánh".encode()]) == "utf-8"
    assert codec_of(b"ISO_IR 144", ["Ánh".encode()]) == "iso8859-5"
    assert codec_of(b"unheard of", [b"\xe9"]) == "latin-1"
    assert codec_of(b"ISO_IR 100", ["Анна".encode("cp1251")], "windows-1251") == "cp1251"


def test_every_set_that_the_settings_may_assume_is_known() -> None:
    allowed = {*CODECS, *CODE_PAGES, ""}
    assert set(get_args(AssumableCharacterSet)) == allowed
    assert all("".encode(python_codec(name)) == b"" for name in allowed)
