"""A patient's own copy: whole, read by programs of others, and open about what it lacks."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.fileset import FileSet

from leapfrog.commands.patient_copy import copier_child
from leapfrog.commands.patient_copy.exam_copy import Asked
from leapfrog.commands.patient_copy.manifest import read_manifest
from leapfrog.errors import StickError, UsageError
from leapfrog.exam import Identity
from leapfrog.reader.patient_copy.plain_form import KEPT
from leapfrog.state.rendered import RENDERED_NAME, Rendered
from support.copied_exam import EXAM, JPEG, PATIENT, CopiedExam, objects_of
from support.dcmtk import run_program
from support.instances import gradient, image_dataset, save
from support.paper_box import PDF
from support.picture_files import png

TESTS = Path(__file__).parents[3]
RGB = np.dstack([gradient(kind="u1", top=255)] * 3)


@pytest.fixture
def box(tmp_path: Path) -> CopiedExam:
    return CopiedExam(tmp_path / "state")


def film(path: Path, number: int = 1, **attributes: object) -> Path:
    """An image of the exam."""
    said = {
        "SOPInstanceUID": f"2.25.{1000 + number}0",
        "InstanceNumber": number,
        "SeriesNumber": 1,
        "PatientID": PATIENT,
        "PatientName": "Okello^Grace",
        "StudyDate": "20261103",
        "StudyTime": "101500",
        "StudyID": "S1",
    }
    return save(image_dataset(gradient(), **(said | attributes)), path)


def encoded(path: Path, *command: str) -> Path:
    """The same image as another program of DCMTK's writes it."""
    out = path.with_suffix(f".{command[0]}{command[-1].lstrip('+')}")
    done = run_program(*command, str(path), str(out))
    assert done.succeeded, done.text
    return out


def played_by(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let another program stand for the child."""
    monkeypatch.setattr(copier_child, "PROGRAM", program)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), *sys.path]))


ENCODINGS = {
    "implicit": ("dcmconv", "+ti"),
    "big endian": ("dcmconv", "+tb"),
    "deflated": ("dcmconv", "+td"),
    "RLE": ("dcmcrle", "+fo"),
    "JPEG-LS": ("dcmcjpls", "+el"),
    "JPEG lossless": ("dcmcjpeg", "+e1"),
    "JPEG lossless, any prediction": ("dcmcjpeg", "+el"),
}


def test_every_encoding_is_one_that_viewers_read_with_the_same_pixels(box: CopiedExam, tmp_path: Path) -> None:
    wanted = {}
    for number, command in enumerate(ENCODINGS.values(), start=1):
        source = film(tmp_path / f"{number}.dcm", number)
        wanted[dcmread(source).SOPInstanceUID] = dcmread(source).pixel_array
        box.add(encoded(source, *command))
    box.copied_to(tmp_path / "stick")
    found = [dcmread(path) for path in objects_of(tmp_path / "stick")]
    assert {one.file_meta.TransferSyntaxUID for one in found} <= KEPT
    assert len(found) == len(ENCODINGS)
    for one in found:
        assert np.array_equal(one.pixel_array, wanted[one.SOPInstanceUID])


def test_programs_of_others_find_every_object_by_the_directory(box: CopiedExam, tmp_path: Path) -> None:
    for number in (2, 1, 3):
        box.add(film(tmp_path / f"{number}.dcm", number))
    box.add_report()
    root = tmp_path / "stick"
    box.copied_to(root)
    loaded = list(FileSet(root / "DICOMDIR"))
    assert {Path(one.path) for one in loaded} == set(objects_of(root))
    dumped = run_program("dcmdump", str(root / "DICOMDIR"))
    assert dumped.succeeded, dumped.text
    assert re.findall(r"IS \[(\d+)\].*InstanceNumber", dumped.text)[:3] == ["1", "2", "3"]
    for path in objects_of(root)[:3]:
        shown = run_program("dcmj2pnm", "+Wm", str(path), str(tmp_path / "shown.pgm"))
        assert shown.succeeded, shown.text
    accepted = run_program("dcmmkdir", "-Pfl", "+id", str(root), "+D", str(tmp_path / "MADE"), "+r", "PT000000")
    assert (accepted.succeeded, "cannot be added" in accepted.text) == (True, False), accepted.text


def test_a_directory_is_as_the_standard_has_it(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm"))
    box.add_report()
    box.copied_to(tmp_path / "stick")
    try:
        judged = subprocess.run(
            ["dciodvfy", tmp_path / "stick" / "DICOMDIR"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("dicom3tools is not installed")
    assert [line for line in judged.stderr.splitlines() if line.startswith("Error")] == []


def test_the_report_is_there_for_a_phone_and_for_a_viewer(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm"))
    box.add_report()
    root = tmp_path / "stick"
    box.copied_to(root)
    assert (root / "REPORT.PDF").read_bytes() == PDF
    inside = dcmread(objects_of(root)[-1])
    assert inside.EncapsulatedDocument[: inside.EncapsulatedDocumentLength] == PDF
    assert (root / "PICTURES" / "PICT0001.JPG").read_bytes() == JPEG
    box.copied_to(tmp_path / "second")
    again = dcmread(objects_of(tmp_path / "second")[-1])
    assert again == inside  # whoever imports two copies has one report


def test_a_report_that_is_being_made_is_not_copied(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm"))
    rendered = Rendered(box.state_dir / RENDERED_NAME).folder(box.key)
    (rendered / "report-1.pdf").write_bytes(b"%PDF of an attempt")
    assert box.copied_to(tmp_path / "first").facts.report_made_at == ""
    box.add_report()
    (rendered / "report-2.pdf").write_bytes(b"%PDF of an attempt")
    assert not box.copied_to(tmp_path / "second").facts.report_is_older
    assert (tmp_path / "second" / "REPORT.PDF").read_bytes() == PDF


def test_it_says_whose_it_is_and_that_a_program_read_it(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm"))
    box.add_report()
    box.copied_to(tmp_path / "stick")
    said = (tmp_path / "stick" / "README.TXT").read_bytes().decode("utf-8-sig")
    assert all(one in said for one in ("Okello, Grace", PATIENT, EXAM, "1980-02-12", "computer program", "not locked"))
    assert "missing" not in said


def test_names_are_those_that_every_file_system_and_the_standard_take(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm"))
    box.add_report()
    box.copied_to(tmp_path / "stick")
    names = [path.name for path in (tmp_path / "stick").rglob("*")]
    assert [name for name in names if not re.fullmatch(r"[A-Z0-9_]{1,8}(\.[A-Z0-9]{1,3})?", name)] == []


def test_the_list_of_contents_has_every_file(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm"))
    box.copied_to(tmp_path / "stick")
    manifest = read_manifest(tmp_path / "stick")
    assert manifest is not None
    listed = {tmp_path / "stick" / one.path: one.sha256 for one in manifest.files}
    files = {path for path in (tmp_path / "stick").rglob("*") if path.is_file()}
    assert files - set(listed) == {tmp_path / "stick" / "CONTENTS.TXT"}
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == digest for path, digest in listed.items())


# ---------------------------------------------------------------- what is missing or odd


def test_what_is_damaged_or_not_read_yet_is_said_here_and_on_the_medium(box: CopiedExam, tmp_path: Path) -> None:
    damaged = box.add(film(tmp_path / "1.dcm", 1))
    gone = box.add(film(tmp_path / "2.dcm", 2))
    box.add(film(tmp_path / "3.dcm", 3), read=False)
    content = bytearray(box.spool_file(damaged).read_bytes())
    content[2000] ^= 1
    box.spool_file(damaged).write_bytes(content)
    box.spool_file(gone).unlink()
    copy = box.copied_to(tmp_path / "stick")
    lacking = [str(one) for one in copy.facts.lacking()]
    assert [dcmread(path).InstanceNumber for path in objects_of(tmp_path / "stick")] == [3]
    assert any("2 images are not on this copy" in one for one in lacking)
    assert any("1 image was not read yet" in one for one in lacking)
    assert any("no report yet" in one for one in lacking)
    said = " ".join((tmp_path / "stick" / "README.TXT").read_text("utf-8-sig").split())
    assert all(one in said for one in lacking)


def test_what_cannot_be_put_in_the_form_of_viewers_goes_as_it_came(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm", 1))
    short = film(tmp_path / "2.dcm", 2)
    short.write_bytes(short.read_bytes()[:-500])
    box.add(short)
    copy = box.copied_to(tmp_path / "stick")
    assert copy.facts.put_aside == 1
    assert (tmp_path / "stick" / "OTHERS" / "OT000002").read_bytes() == short.read_bytes()
    assert len(FileSet(tmp_path / "stick" / "DICOMDIR")) == 1


def test_a_file_that_kills_the_child_costs_only_itself(
    box: CopiedExam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played_by(monkeypatch, "support.dying_copier")
    box.add(film(tmp_path / "1.dcm", 1))
    deadly = film(tmp_path / "2.dcm", 2, PatientComments="DEADLY")
    box.add(deadly)
    box.add(film(tmp_path / "3.dcm", 3))
    copy = box.copied_to(tmp_path / "stick")
    assert [dcmread(path).InstanceNumber for path in objects_of(tmp_path / "stick")] == [1, 3]
    assert copy.facts.put_aside == 1
    assert (tmp_path / "stick" / "OTHERS" / "OT000002").read_bytes() == deadly.read_bytes()


def test_a_child_that_was_taken_over_reaches_nothing(
    box: CopiedExam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played_by(monkeypatch, "support.taken_over_copier")
    box.add(film(tmp_path / "1.dcm", 1))
    other = tmp_path / "state" / "spool" / "of-another-patient"
    other.write_text("secret")
    copy = box.copied_to(tmp_path / "stick")
    assert copy.facts.put_aside == 1
    files = [path for path in (tmp_path / "stick").rglob("*") if path.is_file()]
    assert "STOLEN" not in {path.name for path in files}
    assert b"secret" not in b"".join(path.read_bytes() for path in files)
    assert (tmp_path / "stick" / "DICOMDIR").read_bytes() != b"mine"


def test_what_the_directory_needs_and_an_image_lacks_is_filled_in_beside_it(box: CopiedExam, tmp_path: Path) -> None:
    bare = film(tmp_path / "1.dcm")
    dataset = dcmread(bare)
    for keyword in ("StudyDate", "StudyTime", "StudyID", "SeriesNumber", "InstanceNumber", "PatientID", "Modality"):
        del dataset[keyword]
    save(dataset, bare)
    box.identity = Identity(study_instance_uid="2.25.1002")
    box.add(bare)
    box.copied_to(tmp_path / "stick")
    (one,) = FileSet(tmp_path / "stick" / "DICOMDIR")
    assert (one.StudyID, one.StudyTime, one.PatientID, one.Modality) == (EXAM, "000000", PATIENT, "OT")
    copied = dcmread(objects_of(tmp_path / "stick")[0])
    assert "StudyID" not in copied and "PatientID" not in copied
    assert copied.PixelData == dataset.PixelData


def test_an_image_without_identifiers_gets_the_same_ones_in_every_copy(box: CopiedExam, tmp_path: Path) -> None:
    bare = film(tmp_path / "1.dcm")
    dataset = dcmread(bare)
    del dataset.SeriesInstanceUID
    save(dataset, bare)
    box.add(bare)
    for name in ("one", "two"):
        box.copied_to(tmp_path / name)
    one, two = (dcmread(objects_of(tmp_path / name)[0]) for name in ("one", "two"))
    assert one.SeriesInstanceUID == two.SeriesInstanceUID
    del one.SeriesInstanceUID
    assert one == dataset


def test_of_two_images_with_one_identifier_each_is_there(box: CopiedExam, tmp_path: Path) -> None:
    same = {"SOPInstanceUID": "2.25.4711"}
    box.add(film(tmp_path / "1.dcm", 1, **same))
    box.add(film(tmp_path / "2.dcm", 2, **same), forward_as="2.25.4712")
    box.copied_to(tmp_path / "stick")
    found = [dcmread(path) for path in objects_of(tmp_path / "stick")]
    assert [one.SOPInstanceUID for one in found] == ["2.25.4711", "2.25.4712"]
    assert found[1].SourceImageSequence[0].ReferencedSOPInstanceUID == "2.25.4711"


def test_a_picture_becomes_an_object(box: CopiedExam, tmp_path: Path) -> None:
    picture = tmp_path / "ultrasound.png"
    picture.write_bytes(png())
    box.add_picture(picture)
    box.copied_to(tmp_path / "stick")
    (made,) = (dcmread(path) for path in objects_of(tmp_path / "stick"))
    assert (made.SOPInstanceUID, made.Rows) == ("2.25.500", 1)
    assert objects_of(tmp_path / "stick")[0].read_bytes()[-8:] != b"LEAPFRG1"


def test_a_preamble_that_makes_a_file_a_program_goes_on_no_stick(box: CopiedExam, tmp_path: Path) -> None:
    both = film(tmp_path / "1.dcm")
    both.write_bytes(b"MZ" + both.read_bytes()[2:])
    box.add(both)
    box.copied_to(tmp_path / "stick")
    assert objects_of(tmp_path / "stick")[0].read_bytes()[:128] == bytes(128)


@pytest.mark.parametrize(
    ("character_set", "name"),
    [("GB18030", "王^小东"), ("ISO_IR 192", "Müller^Zoë"), (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎")],
)
def test_names_in_any_script_stand_in_the_directory(
    box: CopiedExam, tmp_path: Path, character_set: str | list[str], name: str
) -> None:
    box.identity = box.identity.model_copy(update={"patient_name": name})
    box.add(film(tmp_path / "1.dcm", SpecificCharacterSet=character_set, PatientName=name))
    box.copied_to(tmp_path / "stick")
    (one,) = FileSet(tmp_path / "stick" / "DICOMDIR")
    assert str(one.PatientName) == name
    assert dcmread(objects_of(tmp_path / "stick")[0]).PatientName == name


# ---------------------------------------------------------------- whose it is


def test_an_exam_of_several_patients_is_copied_only_on_purpose(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm", 1))
    box.add(film(tmp_path / "2.dcm", 2), identity=box.identity.model_copy(update={"patient_name": "Achieng^Mary"}))
    with pytest.raises(UsageError, match="more than one patient: Okello, Grace, 1980-02-12; Achieng, Mary"):
        box.copied_to(tmp_path / "stick")
    assert list((tmp_path / "stick").iterdir()) == []
    box.copied_to(tmp_path / "stick", differing=True)
    assert "Be careful" in (tmp_path / "stick" / "README.TXT").read_text("utf-8-sig")


def test_who_confirms_is_told_whose_it_is_and_where_it_goes(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm", 1))
    asked: list[Asked] = []
    box.copied_to(tmp_path / "stick", asked=asked)
    assert (asked[0].patient_name, asked[0].patient_id, asked[0].originals) == ("Okello, Grace", PATIENT, 1)
    assert asked[0].on_own_disk  # no stick is mounted there


# ---------------------------------------------------------------- what is there already


def test_what_is_on_the_stick_already_stays(box: CopiedExam, tmp_path: Path) -> None:
    root = tmp_path / "stick"
    root.mkdir()
    (root / "holiday.jpg").write_text("mine")
    box.add(film(tmp_path / "1.dcm"))
    box.copied_to(root)
    assert (root / "holiday.jpg").read_text() == "mine"


@pytest.mark.parametrize("name", ["DICOMDIR", "readme.txt", "Pt000000"])
def test_nothing_is_written_over(box: CopiedExam, tmp_path: Path, name: str) -> None:
    root = tmp_path / "stick"
    root.mkdir()
    (root / name).write_text("another hospital's")
    box.add(film(tmp_path / "1.dcm"))
    with pytest.raises(StickError, match=f"has {name} already"):
        box.copied_to(root)
    assert [path.name for path in root.iterdir()] == [name]


def test_another_patients_copy_is_never_joined(box: CopiedExam, tmp_path: Path) -> None:
    box.add(film(tmp_path / "1.dcm"))
    box.copied_to(tmp_path / "stick")
    other = CopiedExam(tmp_path / "other")
    other.add(film(tmp_path / "2.dcm"))
    before = read_manifest(tmp_path / "stick")
    with pytest.raises(StickError, match=f"has a copy of exam {EXAM} already"):
        other.copied_to(tmp_path / "stick")
    assert read_manifest(tmp_path / "stick") == before


def test_the_same_exam_again_takes_the_place_of_the_older_copy(box: CopiedExam, tmp_path: Path) -> None:
    root = tmp_path / "stick"
    box.add(film(tmp_path / "1.dcm", 1))
    assert not box.copied_to(root).complete
    box.add(film(tmp_path / "2.dcm", 2))
    box.add_report()
    copy = box.copied_to(root)
    assert (copy.replaced, copy.complete, len(FileSet(root / "DICOMDIR"))) == (True, True, 3)


@pytest.mark.parametrize("changed", ["PT000000/ST000000/SE000000/IM000000", "PT000000/MINE", "PICTURES/MINE.JPG"])
def test_a_copy_that_somebody_changed_is_not_replaced(box: CopiedExam, tmp_path: Path, changed: str) -> None:
    root = tmp_path / "stick"
    box.add(film(tmp_path / "1.dcm", 1))
    box.copied_to(root)
    (root / changed).write_text("mine now")
    with pytest.raises(StickError, match="Nothing was changed"):
        box.copied_to(root)
    assert (root / changed).read_text() == "mine now"


@pytest.mark.parametrize(
    ("folder", "name"),
    [("OBJECTS", "1"), ("OBJECTS", "WORK.TMP"), ("PT000000/ST000000/SE000000", "IM000001"), ("OTHERS", "OT000001")],
)
def test_what_a_copy_that_was_cut_short_left_goes_away(box: CopiedExam, tmp_path: Path, folder: str, name: str) -> None:
    box.add(film(tmp_path / "1.dcm", 1))
    left = tmp_path / "stick" / "LEAPFROG.TMP" / folder
    left.mkdir(parents=True)
    (left / name).write_text("half")
    box.copied_to(tmp_path / "stick")
    assert not left.exists()
    left.mkdir(parents=True)
    (left / "letter.doc").write_text("somebody's")
    with pytest.raises(StickError, match="in the way"):
        box.copied_to(tmp_path / "stick")
    assert (left / "letter.doc").exists()


def test_colours_stay_as_they_are(box: CopiedExam, tmp_path: Path) -> None:
    source = save(image_dataset(RGB, PatientID=PATIENT), tmp_path / "rgb.dcm")
    box.add(encoded(source, "dcmcjpls", "+el"))
    box.copied_to(tmp_path / "stick")
    assert np.array_equal(dcmread(objects_of(tmp_path / "stick")[0]).pixel_array, RGB)
