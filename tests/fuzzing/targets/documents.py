"""Documents from a district that may be a radiologist's answer."""

from fuzzing.target import Target, require
from leapfrog.answers.document import Document
from leapfrog.answers.examined import LARGEST_EXAMINED_BYTES
from leapfrog.answers.judgement import judgement
from leapfrog.answers.shown import AnswersOfExam, ShownAnswer
from leapfrog.answers.whose import ExamPatient, whose
from leapfrog.errors import UnreadableImage
from leapfrog.exam import Identity
from leapfrog.reader.answers.document_reader import read_document
from leapfrog.reader.answers.pdf_pages import draw_pages
from leapfrog.wording.answer_words import on_paper, words_of_answers
from support.radiologist import (
    ABSENT,
    EFFUSION,
    FINDING,
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
PATIENT = ExamPatient(STUDY, "17", "KITUI", frozenset(("KITUI",)), frozenset(("19800101",)))


def check(content: bytes) -> None:
    """One file."""
    try:
        document, pdf = read_document(content)
    except UnreadableImage as problem:
        require(str(problem).endswith("."), "What is noted of a document is no sentence.")
        return
    written = document.model_dump_json()
    require(len(written) < LARGEST_EXAMINED_BYTES, "What a document says has no end.")
    require(Document.model_validate_json(written) == document, "A document is not the same after it travelled.")
    if whose(document, PATIENT) == "theirs":
        require(document.study_instance_uid == STUDY, "A document of another study counts as the patient's.")
    answer = ShownAnswer(id="a", document=document, judgement=judgement(document), received_at="")
    words = words_of_answers(AnswersOfExam(shown=(answer,)), Identity(patient_name="A^B"), ())
    if answer.judgement == "machine":
        return
    said = [text for one in words.answers for line in one.lines for text in (line.label, *line.paragraphs)]
    require(all(text.isprintable() or "\u200c" in text or "\u200d" in text for text in said), "It steers a page.")
    on_paper(words)
    if pdf:
        draw_pages(pdf)


def seeds() -> dict[str, bytes]:
    """Reports and letters as workstations write them, and some with a fault."""
    report = file_of(structured_report(STUDY, "17"))
    unit = ("mm", "UCUM", "millimeter")
    coded = coded_content((PNEUMONIA, PRESENT), (EFFUSION, ABSENT))
    measured = [node("NUM", FINDING, ("12.5", unit)), node("PNAME", FINDING, "A^B"), *coded]
    return {
        "a report": report,
        "one that was cut": report[:700],
        "one with codes": file_of(structured_report(STUDY, "17", content=measured)),
        "a letter": file_of(encapsulated_pdf(STUDY, "17", pdf_pages("Clear."))),
        "a letter that is none": file_of(encapsulated_pdf(STUDY, "17", b"%PDF-1.7 nothing")),
        "no document": b"nothing",
    }


TARGET = Target(
    name="documents",
    invariant=(
        "A document is understood or has a sentence why not; what it says has bounds, is the same after it travelled,"
        " steers nothing, and is never the patient's if it lies in another study."
    ),
    check=check,
    seeds=seeds,
    follows=("leapfrog.reader.answers", "leapfrog.answers", "leapfrog.wording.answer_words"),
    seconds=4.0,
    mebibytes=512,
    longest_bytes=8192,
)
