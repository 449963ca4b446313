"""The DICOM objects that carry a report are valid, complete, and filed with the images that they belong to."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.uid import EncapsulatedPDFStorage, JPEGBaseline8Bit, SecondaryCaptureImageStorage

from leapfrog.dicom.uids import IMPLEMENTATION_CLASS_UID
from leapfrog.exam import Code, Identity, ImageReading
from leapfrog.language.sentence import Sentence
from leapfrog.language.speaker import Speaker
from leapfrog.processes.messages import ReportResult, Station
from leapfrog.reader.report.derived import _caption
from leapfrog.reader.report.pdf import render_pdf
from leapfrog.reader.report.study_report import render
from leapfrog.spool_file.record import DerivedKind
from support.dcmtk import store
from support.dicom3tools import errors_of, needs_dicom3tools
from support.orthanc import Orthanc, orthanc_program
from support.readings import (
    NERVE_MODEL,
    PATIENT,
    chest_reading,
    finding,
    head_reading,
    nerve_reading,
    report_job,
    report_words,
    unassessed_reading,
)
from support.spooled import without_record

needs_dcmtk = pytest.mark.skipif(shutil.which("dcmdump") is None, reason="DCMTK is not installed")


def _derive(
    report_dir: Path, *readings: ImageReading, **values: object
) -> tuple[ReportResult, dict[str, pydicom.Dataset]]:
    result = render(report_job(report_dir, *readings, derived=("report_pdf", "overlay"), **values))
    return result, {
        one.name: pydicom.dcmread(without_record(report_dir / "work" / one.name)) for one in result.produced
    }


def _for_the_district(report_dir: Path, *readings: ImageReading) -> bytes:
    """The PDF whose pictures have fewer pixels than on paper."""
    return render_pdf(report_words(report_job(report_dir, *readings)), Speaker(), report_dir, "A4", detail="line")


def test_the_pdf_travels_as_encapsulated_pdf(tmp_path: Path) -> None:
    result, objects = _derive(tmp_path, chest_reading(tmp_path))
    document = objects["report_pdf.dcm"]
    pdf = _for_the_district(tmp_path, chest_reading(tmp_path))
    assert document.SOPClassUID == EncapsulatedPDFStorage
    assert document.EncapsulatedDocument[: document.EncapsulatedDocumentLength] == pdf
    assert document.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert document.ConceptNameCodeSequence[0].CodeValue == "43468-8"
    assert document.BurnedInAnnotation == "YES"
    assert document.SpecificCharacterSet == "ISO_IR 192"
    assert document.SourceInstanceSequence[0].ReferencedSOPInstanceUID == "1.2.826.0.1.3680043.10.1.1"
    assert [one.role for one in result.produced] == ["report_pdf", "overlay"]


@needs_dicom3tools
@pytest.mark.parametrize("missing", ["sop_instance_uid", "sop_class_uid", "series_instance_uid"])
def test_all_are_valid_of_an_image_without_all_uids(missing: str, tmp_path: Path) -> None:
    head = head_reading(tmp_path)
    header = head.header.model_copy(update={"rows": 200, "columns": 300, "series_instance_uid": "1.2.826.0.1.9"})
    whole = head.model_copy(update={"header": header})
    if missing == "sop_instance_uid":
        lacking = whole.model_copy(update={missing: ""})
    else:
        lacking = whole.model_copy(update={"header": header.model_copy(update={missing: ""})})
    render(report_job(tmp_path, lacking, derived=get_args(DerivedKind)))
    made = [without_record(path) for path in sorted((tmp_path / "work").glob("*.dcm"))]
    assert [path.name for path in made] == ["overlay-1.dcm", "report_pdf.dcm", "structured_report.dcm"]
    assert {path.name: errors_of(path) for path in made if errors_of(path)} == {}


@needs_dicom3tools
def test_all_are_valid_whatever_a_package_and_the_station_are_called(tmp_path: Path) -> None:
    """In scripts whose letters take three bytes, of which some checks allow a third as many."""
    head = head_reading(tmp_path)
    header = head.header.model_copy(update={"rows": 200, "columns": 300, "series_instance_uid": "1.2.826.0.1.9"})
    name = "भ्रूण का सिर " * 9
    code = Code(value="a-code-of-a-package-that-is-long", scheme="99OF-SOME-HOSPITAL", meaning=name)
    found = head.findings[0].model_copy(update={"name": name, "code": code})
    station = Station(name="ኪትጉም ሆስፒታል ሬዲዮሎጂ", ae_title="LEAPFROG", language="hi", software_version="0.1.0")
    reading = head.model_copy(update={"header": header, "findings": (found,)})
    render(report_job(tmp_path, reading, station=station, derived=get_args(DerivedKind), version=2))
    made = [without_record(path) for path in sorted((tmp_path / "work").glob("*.dcm"))]
    assert len(made) == 4
    assert {path.name: errors_of(path) for path in made if errors_of(path)} == {}
    segmentation = pydicom.dcmread(tmp_path / "work" / "segmentation-1.dcm")
    [kind] = segmentation.SegmentSequence[0].SegmentedPropertyTypeCodeSequence
    assert kind.LongCodeValue == code.value, "a code is not cut while DICOM has room for it"


def test_patient_and_study_are_as_received_under_new_series_and_instance_uids(tmp_path: Path) -> None:
    _, objects = _derive(tmp_path, chest_reading(tmp_path), head_reading(tmp_path))
    for one in objects.values():
        assert (one.PatientName, one.PatientID, one.PatientBirthDate, one.PatientSex) == (
            PATIENT.patient_name,
            PATIENT.patient_id,
            PATIENT.birth_date,
            PATIENT.sex,
        )
        assert one.StudyInstanceUID == PATIENT.study_instance_uid
        assert one.SOPInstanceUID.startswith("2.25.")
        assert all(keyword in one for keyword in ("StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyTime"))
    assert len({one.SOPInstanceUID for one in objects.values()}) == 3
    assert len({one.SeriesInstanceUID for one in objects.values()}) == 2


def test_an_age_is_kept_as_received_and_one_that_was_set_here_is_not_sent(tmp_path: Path) -> None:
    stated = PATIENT.model_copy(update={"patient_age": "041Y"})
    _, objects = _derive(tmp_path, chest_reading(tmp_path, identity=stated))
    assert {one.PatientAge for one in objects.values()} == {"041Y"}
    set_here = PATIENT.model_copy(update={"age_set_here": 41})
    _, objects = _derive(tmp_path, chest_reading(tmp_path, identity=set_here))
    assert not any("PatientAge" in one for one in objects.values())


def test_an_overlay_alone_says_for_whom_it_does_not_hold_and_what_was_not_looked_for(tmp_path: Path) -> None:
    job = report_job(tmp_path, chest_reading(tmp_path, age_not_given=True, view="AP"))
    [image] = report_words(job).images
    caption = _caption(image, Sentence("Not a diagnosis."))
    assert caption[0] == "Age not given: this reading holds for adults only; for a child disregard it."
    assert image.not_covered in caption
    assert image.view in caption


def test_an_overlay_of_nerves_alone_says_what_it_is_for_and_how_often_it_is_wrong(tmp_path: Path) -> None:
    reading = nerve_reading(tmp_path)
    [image] = report_words(report_job(tmp_path, reading)).images
    caption = " ".join(_caption(image, Sentence("Not a diagnosis.")))
    for said in (NERVE_MODEL.aid, "about three are none", "(aid, no diagnosis)", "Outline: Nerve. Hatched: Vessel"):
        assert said in caption
    _, objects = _derive(tmp_path, reading)
    assert set(objects) == {"report_pdf.dcm", "overlay-1.dcm"}


def test_a_model_that_does_not_tell_where_sends_the_picture_as_it_is_with_what_it_flagged_below(tmp_path: Path) -> None:
    flagged = finding("Pneumonia", 0.9, shows_where=False)
    reading = chest_reading(tmp_path, findings=(flagged,), overlay=None, heatmaps=())
    _, objects = _derive(tmp_path, reading)
    shown = objects["overlay-1.dcm"]
    assert shown.DerivationDescription == "What the model flagged, written under the displayed picture"
    [image] = report_words(report_job(tmp_path, reading)).images
    assert image.no_place in _caption(image, Sentence("Not a diagnosis."))
    pixels, plain = shown.pixel_array, np.asarray(Image.open(tmp_path / "plain-1.jpg").convert("L"))
    assert np.abs(pixels[: plain.shape[0], :, 0].astype(int) - plain).mean() < 4, "no mark on it"
    assert pixels.shape[0] > plain.shape[0]
    quiet = chest_reading(
        tmp_path, findings=(finding("Nodule", 0.1),), outcome="nothing_found", overlay=None, heatmaps=()
    )
    assert set(_derive(tmp_path, quiet, version=2)[1]) == {"report_pdf.dcm"}


@pytest.mark.parametrize("name", ["علی\u200cرضا^نیک\u200cپور", "കൃഷ്ണന്\u200d^രാജന്\u200d"])  # noqa: RUF001
def test_joiners_in_a_name_are_kept_in_every_object(name: str, tmp_path: Path) -> None:
    identity = PATIENT.model_copy(update={"patient_name": name})
    _, objects = _derive(tmp_path, chest_reading(tmp_path, identity=identity))
    assert {str(one.PatientName) for one in objects.values()} == {name}


def test_each_model_is_named_as_contributing_equipment_with_its_version(tmp_path: Path) -> None:
    _, objects = _derive(tmp_path, chest_reading(tmp_path), head_reading(tmp_path))
    models = objects["report_pdf.dcm"].ContributingEquipmentSequence
    assert [(one.ManufacturerModelName, one.SoftwareVersions) for one in models] == [
        ("chest-findings", "0.1.0"),
        ("fetal-head", "0.2.0"),
    ]
    purpose = models[0].PurposeOfReferenceCodeSequence[0]
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("1630", "99IHE")


def test_an_overlay_is_a_jpeg_secondary_capture_that_names_its_source(tmp_path: Path) -> None:
    _, objects = _derive(tmp_path, head_reading(tmp_path))
    overlay = objects["overlay-1.dcm"]
    assert overlay.SOPClassUID == SecondaryCaptureImageStorage
    assert overlay.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    assert overlay.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert overlay.ImageType == ["DERIVED", "SECONDARY"]
    assert (overlay.ConversionType, overlay.BurnedInAnnotation, overlay.LossyImageCompression) == ("WSD", "YES", "01")
    source = overlay.SourceImageSequence[0]
    assert (source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber) == ("1.2.826.0.1.3680043.10.1.2", 12)
    (tmp_path / "frame.jpg").write_bytes(get_frame(overlay.PixelData, 0, number_of_frames=1))
    with Image.open(tmp_path / "frame.jpg") as frame:
        assert frame.size == (overlay.Columns, overlay.Rows)


def test_an_image_without_an_overlay_makes_none(tmp_path: Path) -> None:
    result, _ = _derive(tmp_path, unassessed_reading())
    assert [one.role for one in result.produced] == ["report_pdf"]


def test_new_content_gets_a_new_uid(tmp_path: Path) -> None:
    _, first = _derive(tmp_path, chest_reading(tmp_path))
    _, second = _derive(tmp_path, chest_reading(tmp_path), version=2)
    assert first["report_pdf.dcm"].SOPInstanceUID != second["report_pdf.dcm"].SOPInstanceUID


@pytest.mark.parametrize("uid", ["", "not a uid", "1.2/3"])
def test_without_a_study_uid_nothing_is_made_and_the_reason_is_given(uid: str, tmp_path: Path) -> None:
    result, _ = _derive(tmp_path, unassessed_reading(identity=Identity(study_instance_uid=uid)))
    assert result.produced == ()
    assert result.not_made == (
        "The images have no Study Instance UID, so the report cannot be filed with them at the district.",
    )
    assert (tmp_path / "report-1.pdf").exists()
    assert json.loads((tmp_path / "report-1.json").read_bytes())["not_made"] == list(result.not_made)


def test_an_object_that_cannot_be_made_takes_neither_the_report_nor_the_others_with_it(tmp_path: Path) -> None:
    nowhere = finding("Okello", float("nan"))  # DICOM has no number for it
    reading = chest_reading(tmp_path, findings=(nowhere,))
    result = render(report_job(tmp_path, reading, derived=("structured_report", "report_pdf")))
    assert [one.role for one in result.produced] == ["report_pdf"]
    [told] = result.not_made
    assert told.startswith("The structured_report of an exam could not be made for the district (ValueError in ")
    assert (tmp_path / "report-1.html").exists()


def test_a_reader_shows_after_each_object_that_it_goes_on(tmp_path: Path) -> None:
    signs = list[None]()
    readings = (chest_reading(tmp_path), chest_reading(tmp_path))
    result = render(report_job(tmp_path, *readings, pdf=True, derived=("overlay",)), lambda: signs.append(None))
    assert len(signs) == 1 + len(result.produced) == 3, "one for the PDF"


@needs_dcmtk
def test_dcmtk_reads_what_hostile_values_made(tmp_path: Path) -> None:
    odd = "a\\b\x00\n\u202e" + "ለ" * 200
    identity = Identity(
        patient_name=f"{odd}^x=山田^太郎",
        patient_id=odd,
        birth_date="19xx",
        sex="female",
        accession_number=odd,
        study_id=odd,
        study_date="3 Nov",
        study_description=odd,
        study_instance_uid=PATIENT.study_instance_uid,
    )
    _derive(tmp_path, chest_reading(tmp_path, identity=identity))
    for path in (tmp_path / "work").glob("*.dcm"):
        done = subprocess.run(["dcmdump", "-q", str(path)], capture_output=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    assert pydicom.dcmread(tmp_path / "work" / "report_pdf.dcm").PatientName == "=山田^太郎", "the other is too long"


@needs_dcmtk
def test_dcm2pdf_gives_the_pdf_back(tmp_path: Path) -> None:
    _derive(tmp_path, chest_reading(tmp_path))
    source, target = tmp_path / "work" / "report_pdf.dcm", tmp_path / "back.pdf"
    subprocess.run(["dcm2pdf", str(source), str(target)], check=True, timeout=30)
    pdf = _for_the_district(tmp_path, chest_reading(tmp_path))
    assert target.read_bytes()[: len(pdf)] == pdf


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
@needs_dcmtk
def test_orthanc_stores_and_shows_them(tmp_path: Path) -> None:
    _, objects = _derive(tmp_path, chest_reading(tmp_path))
    with Orthanc(tmp_path / "orthanc") as district:
        for path in sorted((tmp_path / "work").glob("*.dcm")):
            syntax = ["-xy"] if path.name.startswith("overlay") else []
            assert store(district.dicom_port, [path], *syntax).succeeded
        assert set(district.held()) == {one.SOPInstanceUID for one in objects.values()}
        stored = district.file(objects["overlay-1.dcm"].SOPInstanceUID)
        (tmp_path / "back.dcm").write_bytes(stored)
        assert pydicom.dcmread(tmp_path / "back.dcm").PixelData == objects["overlay-1.dcm"].PixelData
