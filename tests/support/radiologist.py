"""A radiologist at the district, who answers exams: structured reports and PDFs as such workstations write them."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import typst
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

PNEUMONIA = ("233604007", "SCT", "Pneumonia")
EFFUSION = ("60046008", "SCT", "Pleural effusion")
PRESENT, ABSENT = ("52101004", "SCT", "Present"), ("2667000", "SCT", "Absent")
FINDING, FINDINGS, IMPRESSION = (
    ("121071", "DCM", "Finding"),
    ("121070", "DCM", "Findings"),
    ("121073", "DCM", "Impression"),
)
INTERPRETED = ("363713009", "SCT", "Has interpretation")
RADIOLOGY_REPORT = ("18748-4", "LN", "Diagnostic Imaging Report")
DEVICE_NAME, OBSERVER_TYPE = ("121013", "DCM", "Device Observer Name"), ("121005", "DCM", "Observer Type")
DEVICE, PERSON = ("121007", "DCM", "Device"), ("121006", "DCM", "Person")
PERSON_NAME = ("121008", "DCM", "Person Observer Name")

Coded = tuple[str, str, str]


def coded(code: Coded) -> Dataset:
    """An item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def node(kind: str, name: Coded, value: Any = None, children: Sequence[Dataset] = (), how: str = "CONTAINS") -> Dataset:
    """An item of a content tree."""
    item = Dataset()
    item.RelationshipType, item.ValueType = how, kind
    item.ConceptNameCodeSequence = [coded(name)]
    match kind:
        case "TEXT":
            item.TextValue = value
        case "CODE":
            item.ConceptCodeSequence = [coded(value)]
        case "PNAME":
            item.PersonName = value
        case "CONTAINER":
            item.ContinuityOfContent = "SEPARATE"
        case "NUM":
            measured = Dataset()
            measured.NumericValue, unit = value
            measured.MeasurementUnitsCodeSequence = [coded(unit)]
            item.MeasuredValueSequence = [measured]
    if children:
        item.ContentSequence = list(children)
    return item


def _exam(study_instance_uid: str, patient_id: str, birth_date: str, sop_class: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Wanjiru^Amina", patient_id, birth_date
    dataset.PatientSex, dataset.AccessionNumber, dataset.ReferringPhysicianName = "F", "", ""
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_instance_uid, generate_uid()
    dataset.StudyID, dataset.StudyDate, dataset.StudyTime = "1", "20261101", "101500"
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.Manufacturer = "Reporting Workstation"
    dataset.ContentDate, dataset.ContentTime = "20261102", "083000"
    return dataset


def structured_report(
    study_instance_uid: str,
    patient_id: str,
    birth_date: str = "19800101",
    *,
    content: Sequence[Dataset] | None = None,
    verified_by: str | None = "Odhiambo^Grace^^Dr",
    title: Coded = RADIOLOGY_REPORT,
    replaces: str = "",
    **attributes: Any,
) -> Dataset:
    """A report that finds pneumonia and no effusion, unless other `content` is given."""
    dataset = _exam(
        study_instance_uid, patient_id, birth_date, ComprehensiveSRStorage if content else BasicTextSRStorage
    )
    dataset.Modality = "SR"
    dataset.CompletionFlag = "COMPLETE"
    dataset.VerificationFlag = "VERIFIED" if verified_by else "UNVERIFIED"
    if verified_by:
        observer = Dataset()
        observer.VerifyingObserverName, observer.VerifyingOrganization = verified_by, "County Referral Hospital"
        observer.VerificationDateTime = "20261102083500"
        observer.VerifyingObserverIdentificationCodeSequence = []
        dataset.VerifyingObserverSequence = [observer]
    if replaces:
        dataset.PredecessorDocumentsSequence = [_predecessor(study_instance_uid, replaces)]
    dataset.ReferencedPerformedProcedureStepSequence, dataset.PerformedProcedureCodeSequence = [], []
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = [coded(title)]
    dataset.ContentSequence = list(content) if content else basic_content()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    return dataset


def basic_content() -> list[Dataset]:
    """Two sections with a text each."""
    return [
        node("CONTAINER", FINDINGS, children=[
            node("TEXT", FINDING, "Consolidation in the right lower zone.\nNo pleural effusion."),
        ]),
        node("CONTAINER", ("121072", "DCM", "Impressions"), children=[node("TEXT", IMPRESSION, "Pneumonia, right.")]),
    ]  # fmt: skip


def coded_content(*found: tuple[Coded, Coded]) -> list[Dataset]:
    """Findings by code, each with whether it is there."""
    said = [
        node("CODE", FINDING, code, [node("CODE", INTERPRETED, presence, how="HAS PROPERTIES")])
        for code, presence in found
    ]
    return [node("CONTAINER", FINDINGS, children=said)]


def _predecessor(study_instance_uid: str, sop_instance_uid: str) -> Dataset:
    reference, series, study = Dataset(), Dataset(), Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = BasicTextSRStorage, sop_instance_uid
    series.SeriesInstanceUID, series.ReferencedSOPSequence = generate_uid(), [reference]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = study_instance_uid, [series]
    return study


def pdf_pages(*texts: str) -> bytes:
    """A PDF with a page for each text."""
    return bytes(typst.compile(b"#pagebreak()\n".join(f"= Report\n{text}\n".encode() for text in texts)))


def encapsulated_pdf(study_instance_uid: str, patient_id: str, pdf: bytes, **attributes: Any) -> Dataset:
    """A PDF as an object, as of a scanner of paper."""
    dataset = _exam(study_instance_uid, patient_id, "19800101", EncapsulatedPDFStorage)
    dataset.Modality, dataset.ConversionType, dataset.BurnedInAnnotation = "DOC", "SD", "YES"
    dataset.DocumentTitle, dataset.ConceptNameCodeSequence = "Chest radiograph report", [coded(RADIOLOGY_REPORT)]
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    for name, value in attributes.items():
        setattr(dataset, name, value)
    return dataset


def file_of(dataset: Dataset) -> bytes:
    """The data set as a DICOM file."""
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
