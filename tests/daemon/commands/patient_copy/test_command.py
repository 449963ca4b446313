"""`leapfrog export DIR --exam EXAM` on a box that runs, and what people and programs are told."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.fileset import FileSet
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from typer.testing import CliRunner, Result

from leapfrog.cli.command_line import app
from leapfrog.errors import StickError, UsageError
from leapfrog.state.action_log import counts, lines
from support.copied_exam import EXAM, CopiedExam, objects_of
from support.instances import gradient, image_dataset, save
from support.kiosk import Kiosk
from support.orthanc import Orthanc, orthanc_program
from support.radiologist import basic_content, file_of, structured_report
from support.toml import toml_document


@pytest.fixture
def box(tmp_path: Path) -> CopiedExam:
    box = CopiedExam(tmp_path / "state")
    box.add(save(image_dataset(gradient(), PatientID="KIT-7"), tmp_path / "film.dcm"))
    (tmp_path / "leapfrog.toml").write_text(toml_document({"station": {"state_dir": str(box.state_dir)}}, {}))
    (tmp_path / "stick").mkdir()
    return box


def export(tmp_path: Path, *options: str) -> Result:
    arguments = ["export", str(tmp_path / "stick"), "--exam", EXAM, "--config", str(tmp_path / "leapfrog.toml")]
    return CliRunner().invoke(app, [*arguments, *options])


def test_nobody_copies_by_mistake(box: CopiedExam, tmp_path: Path) -> None:
    answer = export(tmp_path)
    assert isinstance(answer.exception, UsageError)
    assert "not encrypted" in str(answer.exception) and "--yes" in str(answer.exception)
    assert list((tmp_path / "stick").iterdir()) == []
    assert counts(box.state_dir) == {}


def test_a_copy_that_was_made_is_told_and_noted(box: CopiedExam, tmp_path: Path) -> None:
    answer = export(tmp_path, "--yes")
    assert answer.exit_code == 0, answer.exception
    said = " ".join(answer.output.split())
    assert "exam K7-42F" in said and "not encrypted" in said and "There is no report yet" in said
    assert "the box's own disk, not a stick" in said
    assert counts(box.state_dir)["export_copy"] == 1


def test_a_program_is_told_what_is_lacking(box: CopiedExam, tmp_path: Path) -> None:
    told = json.loads(export(tmp_path, "--yes", "--json").stdout)
    assert (told["objects"], told["replaced"], len(told["lacking"])) == (1, False, 1)


def test_a_copy_that_failed_is_noted_too(box: CopiedExam, tmp_path: Path) -> None:
    (tmp_path / "stick" / "LEAPFROG.TMP").write_text("somebody's")
    assert isinstance(export(tmp_path, "--yes").exception, StickError)
    assert counts(box.state_dir).get("export_copy", 0) == 0


def test_a_folder_that_is_named_after_the_patient_does_not_stand_in_the_log(box: CopiedExam, tmp_path: Path) -> None:
    folder = tmp_path / "stick" / "Okello-Grace"
    (folder / "LEAPFROG.TMP").mkdir(parents=True)
    (folder / "LEAPFROG.TMP" / "letter.doc").write_text("somebody's")
    config = ["--config", str(tmp_path / "leapfrog.toml")]
    command = ["export", str(folder), "--exam", EXAM, "--yes", *config]
    assert isinstance(CliRunner().invoke(app, command).exception, StickError)
    shutil.rmtree(folder / "LEAPFROG.TMP")
    assert CliRunner().invoke(app, command).exit_code == 0
    noted = [(line.action, line.outcome) for line in lines(box.state_dir)]
    assert noted[:4] == [("export_copy", one) for one in ("done", "begun", "failed", "begun")]
    log = b"".join(path.read_bytes() for path in (box.state_dir / "actions").iterdir())
    assert b"Okello" not in log
    assert b"own disk" in log


def test_what_belongs_to_the_other_export_is_refused(tmp_path: Path) -> None:
    assert isinstance(export(tmp_path, "--yes", "--kind", "original").exception, UsageError)


def test_an_unknown_exam_is_told_in_words(box: CopiedExam, tmp_path: Path) -> None:
    arguments = ["export", str(tmp_path / "stick"), "--exam", "K7-42G", "--yes"]
    answer = CliRunner().invoke(app, [*arguments, "--config", str(tmp_path / "leapfrog.toml")])
    assert isinstance(answer.exception, UsageError) and "check character" in str(answer.exception)


# ---------------------------------------------------------------- the real ones


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    with Kiosk(tmp_path_factory.mktemp("kiosk")) as kiosk:
        for number in (1, 2):
            dataset = image_dataset(gradient(200, 300), SOPInstanceUID=f"2.25.{number}", InstanceNumber=number)
            dataset.PatientName = "Okello^Grace"
            save(dataset, kiosk.inbox / f"{number}.dcm")
        kiosk.wait_until_read(2)
        kiosk.wait_until_quiet()
        yield kiosk


def test_the_copy_of_an_exam_that_a_running_box_read_is_whole(kiosk: Kiosk, tmp_path: Path) -> None:
    (number,) = {row["exam_number"] for row in kiosk.instances()}
    done = kiosk.command("export", str(tmp_path), "--exam", number, "--yes")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "REPORT.PDF").read_bytes().startswith(b"%PDF")
    assert {path.name for path in (tmp_path / "PICTURES").iterdir()} == {"PICT0001.JPG", "PICT0002.JPG"}
    assert "What is missing" not in (tmp_path / "README.TXT").read_text("utf-8-sig")
    assert [dcmread(path).Modality for path in objects_of(tmp_path)] == ["CR", "CR", "DOC"]


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
def test_an_archive_takes_every_object_into_one_study(box: CopiedExam, tmp_path: Path) -> None:
    box.add_report()
    assert export(tmp_path, "--yes").exit_code == 0
    with Orthanc(tmp_path / "archive") as archive:
        for path in objects_of(tmp_path / "stick"):
            archive.add(path.read_bytes())
        assert (len(archive.listed("studies")), len(archive.listed("instances"))) == (1, 2)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_what_a_radiologist_answered_is_there(box: CopiedExam, tmp_path: Path, syntax: UID) -> None:
    answer = structured_report("2.25.1002", "KIT-7", content=basic_content())
    answer.file_meta.TransferSyntaxUID = syntax
    box.add_answer(file_of(answer))
    box.add_report()
    assert export(tmp_path, "--yes").exit_code == 0
    (copied,) = (dcmread(path) for path in objects_of(tmp_path / "stick") if path.name == "SR000000")
    assert (copied, copied.file_meta.TransferSyntaxUID) == (answer, ExplicitVRLittleEndian)
    (listed,) = (one for one in FileSet(tmp_path / "stick" / "DICOMDIR") if one.node.record_type == "SR DOCUMENT")
    assert listed.VerificationFlag == "VERIFIED"
    assert "A radiologist has answered" in " ".join((tmp_path / "stick" / "README.TXT").read_text("utf-8-sig").split())
