"""Reads a document of a district: a structured report or an encapsulated PDF (PS3.3 A.35, A.45.1)."""

from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset

from leapfrog.answers.document import (
    MOST_NUMBERS,
    MOST_PERSONS,
    MOST_REPLACED,
    Document,
    PatientNumber,
    Person,
)
from leapfrog.answers.judgement import ENCAPSULATED_PDF, STRUCTURED_REPORTS
from leapfrog.errors import UnreadableImage
from leapfrog.language.sentence import Sentence
from leapfrog.reader.answers.content_tree import code_of, person, read_tree
from leapfrog.reader.image.attributes import items, lenient_parsing, text, value_of
from leapfrog.reader.image.character_set import correct_character_set

LONGEST = 256  # characters
UID_LENGTH = 64
NOT_DICOM = Sentence("It is no DICOM file, or a damaged one.")
TOO_DEEP = Sentence("Its content is nested more deeply than any report is.")
OTHER_CLASS = Sentence("It is neither a structured report nor a PDF.")
PDF_START = b"%PDF-"


def read_document(content: bytes) -> tuple[Document, bytes]:
    """What the DICOM file `content` says, and the PDF in it, b"" in a structured report.

    Raises UnreadableImage with a sentence without patient data when it is no document that is understood.
    """
    try:
        with lenient_parsing():
            dataset = dcmread(BytesIO(content), force=True)
            correct_character_set(dataset)
            sop_class = text(dataset, "SOPClassUID")
            if sop_class in STRUCTURED_REPORTS:
                return _structured_report(dataset), b""
            if sop_class == ENCAPSULATED_PDF:
                return _pdf(dataset)
    except (UnreadableImage, MemoryError):
        raise
    except RecursionError as problem:
        raise UnreadableImage(TOO_DEEP) from problem
    except Exception as problem:  # pydicom raises whatever a malformed file brings about
        raise UnreadableImage(NOT_DICOM) from problem
    raise UnreadableImage(OTHER_CLASS if sop_class else NOT_DICOM)


def _structured_report(dataset: Dataset) -> Document:
    tree = read_tree(dataset)
    authors = items(dataset, "AuthorObserverSequence")[:MOST_PERSONS]
    written = [
        Person(name=person(text(one, "PersonName")), organisation=_short(text(one, "InstitutionName")))
        for one in authors
        if text(one, "ObserverType") == "PSN" and text(one, "PersonName")
    ]
    persons = tuple({one.name: one for one in (*written, *tree.persons)}.values())[:MOST_PERSONS]
    verified_by = tuple(
        Person(
            name=person(text(one, "VerifyingObserverName")),
            organisation=_short(text(one, "VerifyingOrganization")),
            at=_short(text(one, "VerificationDateTime")),
        )
        for one in items(dataset, "VerifyingObserverSequence")[:MOST_PERSONS]
        if text(one, "VerifyingObserverName")
    )
    return _document(dataset).model_copy(
        update={
            "kind": "structured_report",
            "is_complete": text(dataset, "CompletionFlag") == "COMPLETE",
            "is_preliminary": text(dataset, "PreliminaryFlag") == "PRELIMINARY",
            "verified_by": verified_by,
            "persons": persons,
            "device_wrote": tree.device_wrote or any(text(one, "ObserverType") == "DEV" for one in authors),
            "template": _template(dataset),
            "lines": tree.lines,
            "coded": tree.coded,
            "left_out": tree.left_out,
        }
    )


def _pdf(dataset: Dataset) -> tuple[Document, bytes]:
    pdf = value_of(dataset, "EncapsulatedDocument")
    if not isinstance(pdf, bytes) or not pdf.lstrip(b"\0\r\n\t ").startswith(PDF_START):
        raise UnreadableImage(OTHER_CLASS)
    persons = [
        Person(name=person(one))
        for keyword in ("NameOfPhysiciansReadingStudy", "ContentCreatorName")
        for one in text(dataset, keyword).split("\\")[:MOST_PERSONS]
        if one.strip("^ ")
    ]
    document = _document(dataset).model_copy(
        update={
            "kind": "pdf",
            "title": _short(text(dataset, "DocumentTitle")) or _document(dataset).title,
            "is_complete": True,
            "persons": tuple(persons[:MOST_PERSONS]),
            "scanned": text(dataset, "ConversionType") in ("SD", "SI", "DF"),
        }
    )
    return document, pdf


def _document(dataset: Dataset) -> Document:
    """What both kinds say in the same way."""
    title = code_of(dataset, "ConceptNameCodeSequence")
    predecessors = [
        text(reference, "ReferencedSOPInstanceUID")[:UID_LENGTH]
        for study in items(dataset, "PredecessorDocumentsSequence")[:MOST_REPLACED]
        for series in items(study, "ReferencedSeriesSequence")[:MOST_REPLACED]
        for reference in items(series, "ReferencedSOPSequence")[:MOST_REPLACED]
    ]
    return Document(
        kind="pdf",
        sop_class_uid=text(dataset, "SOPClassUID")[:UID_LENGTH],
        sop_instance_uid=text(dataset, "SOPInstanceUID")[:UID_LENGTH],
        study_instance_uid=text(dataset, "StudyInstanceUID")[:UID_LENGTH],
        patient=_number(dataset),
        patient_name=_short(text(dataset, "PatientName")),
        birth_date=_short(text(dataset, "PatientBirthDate")),
        other_numbers=_other_numbers(dataset),
        title=_short(title.meaning) if title is not None else "",
        title_code=title,
        manufacturer=_short(text(dataset, "Manufacturer")),
        institution=_short(text(dataset, "InstitutionName")),
        is_verified=text(dataset, "VerificationFlag") == "VERIFIED",
        written_at=_written_at(dataset),
        replaces=tuple(filter(None, predecessors))[:MOST_REPLACED],
    )


def _number(dataset: Dataset) -> PatientNumber:
    return PatientNumber(number=_short(text(dataset, "PatientID")), issuer=_short(text(dataset, "IssuerOfPatientID")))


def _other_numbers(dataset: Dataset) -> tuple[PatientNumber, ...]:
    """Other numbers of the patient: Other Patient IDs, and Original Attributes, which keep what was coerced."""
    others = [_number(item) for item in items(dataset, "OtherPatientIDsSequence")[:MOST_NUMBERS]]
    for original in items(dataset, "OriginalAttributesSequence")[:MOST_NUMBERS]:
        others += [_number(item) for item in items(original, "ModifiedAttributesSequence")[:1]]
    return tuple(one for one in others if one.number)[:MOST_NUMBERS]


def _template(dataset: Dataset) -> str:
    return next((_short(text(one, "TemplateIdentifier")) for one in items(dataset, "ContentTemplateSequence")), "")


def _written_at(dataset: Dataset) -> str:
    day = text(dataset, "ContentDate") or text(dataset, "SeriesDate")
    time = text(dataset, "ContentTime") or text(dataset, "SeriesTime")
    return _short(f"{day}{time}") if day else _short(text(dataset, "InstanceCreationDate"))


def _short(value: str) -> str:
    return value[:LONGEST]
