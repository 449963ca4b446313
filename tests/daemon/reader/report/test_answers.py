"""A radiologist's answer stands first on the exam's page, as text and pictures that can do nothing."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom import dcmread

from leapfrog.answers.document import Line
from leapfrog.answers.shown import AnswersOfExam
from leapfrog.exam import Code
from leapfrog.processes.messages import ReportJob
from leapfrog.reader.report.study_report import render
from support.browser import Browser, chromium_program
from support.documents import GRACE, finding, shown
from support.readings import chest_reading, report_job
from support.readings import finding as model_finding

HOSTILE = "<script>document.title='run'</script><a href='file:///etc/passwd'>look</a>"
EFFUSION = "60046008"
LINES = (Line(level=0, label="Findings"), Line(level=1, text=f"Clear lungs.\n{HOSTILE}"))


def job(folder: Path, *answers: object, **others: int) -> ReportJob:
    """An exam in which the model flagged an effusion."""
    effusion = model_finding("Pleural effusion", 0.9, code=Code(value=EFFUSION, scheme="SCT", meaning=""))
    reading = chest_reading(folder, findings=(effusion,))
    said = AnswersOfExam(shown=answers, **others)  # type: ignore[arg-type]
    return report_job(folder, reading, answers=said, pdf=False, worklist_href="../../index.html")


def page(job: ReportJob) -> str:
    render(job)
    return (job.report_dir / "report-1.html").read_text()


def test_the_answer_comes_before_what_the_model_found_and_says_who_verified_it(tmp_path: Path) -> None:
    written = page(job(tmp_path, shown("1", verified_by=(GRACE,), lines=LINES)))
    order = ["The radiologist has answered", "Dr Grace Odhiambo", "Clear lungs.", "What the model found", "<h1"]
    places = [written.index(words) for words in order]
    assert places == sorted(places)


def test_where_codes_differ_both_are_marked(tmp_path: Path) -> None:
    written = page(job(tmp_path, shown("1", coded=(finding(EFFUSION, "absent"),))))
    assert "Pleural effusion: the radiologist says that it is not there, the model flagged it." in written
    assert written.count('class="otherwise"') == 1
    agrees = page(job(tmp_path, shown("1", coded=(finding(EFFUSION, "present"),))))
    assert "The radiologist and the model differ" not in agrees
    assert 'class="otherwise"' not in agrees
    assert "Compare what is written in words" in agrees


def test_nothing_in_an_answer_is_markup_or_a_link(tmp_path: Path) -> None:
    written = page(job(tmp_path, shown("1", title=HOSTILE, lines=LINES)))
    assert "<script>document" not in written
    assert "file:///etc" not in re.sub(r"&#39;file:///etc/passwd&#39;", "", written)
    assert not re.search(r'href="[^"]*answer[^"]*\.pdf', written)


def test_an_answer_that_does_not_count_any_more_is_folded_up(tmp_path: Path) -> None:
    written = page(job(tmp_path, shown("1", lines=LINES).model_copy(update={"withdrawn": True})))
    assert "The radiologist has answered" not in written
    assert "<details" in written
    assert "The district has withdrawn this answer." in written


def test_a_flood_of_answers_leaves_the_model_s_result_on_the_page(tmp_path: Path) -> None:
    written = page(job(tmp_path, *(shown(str(number), verified_by=(GRACE,), lines=LINES) for number in range(50))))
    assert written.count('<section class="answer') == 3
    assert written.count('<details class="answer more') == 47
    summary = re.search(r"<summary>.*?</summary>", written, re.DOTALL)
    assert summary is not None
    assert {"The radiologist has answered", "Dr Grace Odhiambo"} <= set(re.split(r"[<>,]", summary[0]))


def test_of_one_for_another_patient_nothing_is_shown_but_that_it_came(tmp_path: Path) -> None:
    result = render(job(tmp_path, another_patient=1))
    written = (tmp_path / "report-1.html").read_text()
    assert "An answer for another patient came under this exam." in written
    assert "What the model found" not in written
    assert result.worklist_row.answers_to_do != ()
    assert result.worklist_row.answered == ""


def test_report_json_lists_the_answers_and_their_pages(tmp_path: Path) -> None:
    (tmp_path / "answer-1-1.jpg").write_bytes(b"\xff\xd8\xff")
    one = shown("1", kind="pdf").model_copy(update={"pages": ("answer-1-1.jpg", "answer-1-2.jpg")})
    render(job(tmp_path, one))
    document = json.loads((tmp_path / "report-1.json").read_text())
    (answer,) = document["answers"]
    assert (answer["judgement"], answer["pages"]) == ("verified", ["answer-1-1.jpg", "answer-1-2.jpg"])
    # A page that somebody removed is not among the files.
    assert [one["name"] for one in document["artefacts"] if "answer" in one["name"]] == ["answer-1-1.jpg"]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_what_goes_to_the_district_says_nothing_of_it(tmp_path: Path) -> None:
    asked = job(tmp_path, shown("1", verified_by=(GRACE,), lines=LINES))
    (produced,) = render(asked.model_copy(update={"derived": ("report_pdf",)})).produced
    document = dcmread(asked.work_dir / produced.name)
    pdf = tmp_path / "sent.pdf"
    pdf.write_bytes(document.EncapsulatedDocument)
    said = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, check=True, text=True).stdout
    assert "Pleural effusion" in said
    assert "Grace Odhiambo" not in said
    assert "Clear lungs" not in said


@pytest.mark.skipif(chromium_program() is None, reason="Chromium is not installed")
def test_on_a_phone_a_long_word_of_an_answer_makes_the_page_no_wider(tmp_path: Path) -> None:
    long = (Line(level=3, label="Label" * 40, text="Pneumonoultramicroscopicsilicovolcanoconiosis" * 20),)
    render(job(tmp_path, shown("1", verified_by=(GRACE,), lines=long)))
    with Browser(390, 800) as browser:
        browser.open(tmp_path / "report-1.html")
        assert browser.value("document.documentElement.scrollWidth") <= 500
        assert browser.value("document.title").startswith("△")
        assert browser.console == []
