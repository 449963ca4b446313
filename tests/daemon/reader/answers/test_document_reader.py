"""What reports and letters say is read, whatever form they have, and what is none says so."""

from typing import Any

import pytest
from pydantic import ValidationError
from pydicom.dataset import Dataset

from leapfrog.answers.document import MOST_LINES, MOST_TEXT, CodedFinding, Document, Line, PatientNumber, Person
from leapfrog.errors import UnreadableImage
from leapfrog.reader.answers.document_reader import NOT_DICOM, OTHER_CLASS, read_document
from support.radiologist import (
    ABSENT,
    EFFUSION,
    FINDING,
    FINDINGS,
    PERSON_NAME,
    PNEUMONIA,
    PRESENT,
    coded_content,
    encapsulated_pdf,
    file_of,
    node,
    pdf_pages,
    structured_report,
)

STUDY = "1.2.3.4"
INDETERMINATE = ("82334004", "SCT", "Indeterminate")
IS_NORMAL = ("17621005", "SCT", "Normal")
IMPRESSION = ("121073", "DCM", "Impression")
ORGANISATION = ("121009", "DCM", "Person Observer's Organization Name")
OLD_EFFUSION = ("D2-80100", "SRT", "Pleural effusion")  # SNOMED's older form


def said(*content: Dataset, **attributes: Any) -> Document:
    document, _ = read_document(file_of(structured_report(STUDY, "17", content=content, **attributes)))
    return document


def test_its_sections_and_texts_become_lines() -> None:
    document, pdf = read_document(file_of(structured_report(STUDY, "17")))
    assert pdf == b""
    assert document.lines == (
        Line(level=0, label="Findings"),
        Line(level=1, text="Consolidation in the right lower zone.\nNo pleural effusion."),
        Line(level=0, label="Impressions"),
        Line(level=1, text="Pneumonia, right."),
    )


def test_a_measurement_has_its_unit() -> None:
    unit = ("mm", "UCUM", "millimeter")
    document = said(node("NUM", ("81827009", "SCT", "Diameter"), ("12.5", unit)))
    assert document.lines == (Line(level=0, label="Diameter", text="12.5 mm"),)


def test_coded_findings_say_whether_they_are_there() -> None:
    by_name = node("CODE", EFFUSION, ABSENT)
    found = {(one.code.value, one.presence) for one in said(*coded_content((PNEUMONIA, PRESENT)), by_name).coded}
    assert {(PNEUMONIA[0], "present"), (EFFUSION[0], "absent")} <= found


def test_a_finding_of_which_nobody_is_sure_is_not_there() -> None:
    coded = said(*coded_content((PNEUMONIA, INDETERMINATE))).coded
    assert [one.presence for one in coded if one.code.value == PNEUMONIA[0]] == ["unclear"]


def test_what_is_normal_of_a_part_is_not_said_of_the_exam() -> None:
    assert said(node("CODE", FINDING, IS_NORMAL)).coded == ()
    assert [one.code.value for one in said(node("CODE", IMPRESSION, IS_NORMAL)).coded] == [IS_NORMAL[0]]


def test_each_person_has_the_organisation_that_is_named_after_them() -> None:
    how = "HAS OBS CONTEXT"
    named = [
        node("PNAME", PERSON_NAME, "Juma^O", how=how),
        node("PNAME", PERSON_NAME, "Otieno^A", how=how),
        node("TEXT", ORGANISATION, "Kitui District", how=how),
    ]
    assert said(*named, verified_by=None).persons == (
        Person(name="O Juma"),
        Person(name="A Otieno", organisation="Kitui District"),
    )


def test_codes_of_snomed_s_older_form_are_understood() -> None:
    document = said(node("CODE", FINDING, OLD_EFFUSION))
    assert [(one.code.scheme, one.code.value) for one in document.coded] == [("SCT", EFFUSION[0])]


def test_who_observed_is_no_line() -> None:
    document = said(node("PNAME", PERSON_NAME, "Juma^O", how="HAS OBS CONTEXT"), verified_by=None)
    assert document.lines == ()
    assert document.persons == (Person(name="O Juma"),)


def test_what_was_coerced_is_kept_as_another_number_of_the_patient() -> None:
    modified, original = Dataset(), Dataset()
    modified.PatientID, modified.IssuerOfPatientID = "17", "KITUI"
    original.ModifiedAttributesSequence = [modified]
    document, _ = read_document(file_of(structured_report(STUDY, "D-9", OriginalAttributesSequence=[original])))
    assert document.other_numbers == (PatientNumber(number="17", issuer="KITUI"),)


def test_a_report_without_end_is_cut_off_and_says_so() -> None:
    document = said(*(node("TEXT", FINDING, f"Line {number}") for number in range(MOST_LINES + 50)))
    assert len(document.lines) == MOST_LINES
    assert document.left_out


def test_of_a_report_as_long_as_a_book_the_beginning_is_kept() -> None:
    document = said(*(node("TEXT", FINDING, "All is well. " * 1500) for _ in range(50)))
    assert MOST_TEXT - 20_000 < document.text_length <= MOST_TEXT
    assert document.left_out
    with pytest.raises(ValidationError):  # nor does a child that was taken over bring more here
        Document.model_validate({**document.model_dump(), "lines": document.lines * 2})


def test_a_name_in_arabic_is_read() -> None:
    document = said(*coded_content((PNEUMONIA, PRESENT)), verified_by="عمر^سارة")
    assert document.verified_by[0].name == "سارة عمر"


def test_a_letter_is_a_pdf_with_its_title() -> None:
    pdf = pdf_pages("Clear.")
    document, content = read_document(file_of(encapsulated_pdf(STUDY, "17", pdf)))
    assert (document.kind, document.title, document.scanned) == ("pdf", "Chest radiograph report", True)
    assert content.rstrip(b"\0") == pdf.rstrip(b"\0")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", NOT_DICOM),
        (b"\0" * 4000, NOT_DICOM),
        (file_of(encapsulated_pdf(STUDY, "17", b"<html>")), OTHER_CLASS),
        (file_of(structured_report(STUDY, "17", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67")), OTHER_CLASS),
    ],
)
def test_what_is_no_document_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage, match=str(reason)):
        read_document(content)


def test_findings_are_read_from_where_dcmtk_s_readers_find_them() -> None:
    nested = node("CONTAINER", FINDINGS, children=coded_content((PNEUMONIA, ABSENT)))
    assert CodedFinding(code=said(nested).coded[0].code, presence="absent") == said(nested).coded[0]
