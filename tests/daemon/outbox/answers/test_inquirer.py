"""A radiologist answers on a real Orthanc; the box finds it, and takes nothing else for an answer."""

import gzip
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import requests

from leapfrog.outbox.answers.inquirer import MOST_ATTEMPTS
from leapfrog.outbox.answers.patience import MOST_ASKS
from leapfrog.state.answer_files import AnswerFiles
from support.answers_box import HOUR, AnswersBox
from support.orthanc import Orthanc
from support.radiologist import (
    ABSENT,
    DEVICE,
    EFFUSION,
    OBSERVER_TYPE,
    PNEUMONIA,
    PRESENT,
    coded_content,
    encapsulated_pdf,
    file_of,
    node,
    pdf_pages,
    structured_report,
)
from support.recording_proxy import Answer, Exchange, Mishap, RecordingProxy

DOSE_REPORT = ("113701", "DCM", "X-Ray Radiation Dose Report")


def test_a_verified_report_is_shown(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    inquirer = box.inquirer(orthanc.dicomweb_url)
    assert box.ask(inquirer).shown == ()
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "17")))
    (answer,) = box.ask(inquirer).shown
    assert (answer.judgement, answer.document.verified_by[0].name) == ("verified", "Dr Grace Odhiambo")
    assert [line.text for line in answer.document.lines if line.text][-1] == "Pneumonia, right."
    assert box.told == [exam.key]
    assert box.files.path(answer.id).stat().st_size > 500
    assert [row["state"] for row in box.journal.rows("SELECT state FROM studies")] == ["open"]


def test_a_scanned_letter_is_shown_as_pictures_of_its_pages(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    pdf = pdf_pages("Consolidation.", "No effusion.")
    orthanc.add(file_of(encapsulated_pdf(exam.study_instance_uid, "17", pdf)))
    (answer,) = box.ask(box.inquirer(orthanc.dicomweb_url)).shown
    assert answer.judgement == "unverified"
    folder = box.rendered.path(exam.key)
    assert [(folder / page).read_bytes()[:3] for page in answer.pages] == [b"\xff\xd8\xff"] * 2
    assert not list(folder.glob("*.pdf"))


def test_what_machines_make_and_what_this_box_sent_is_no_answer(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    uid = exam.study_instance_uid
    by_device = [*coded_content((PNEUMONIA, PRESENT)), node("CODE", OBSERVER_TYPE, DEVICE, how="HAS OBS CONTEXT")]
    sent = structured_report(uid, "17", verified_by=None)
    box.journal.change("UPDATE deliveries SET sop_instance_uid = ? WHERE kind = 'original'", sent.SOPInstanceUID)
    for made in (
        sent,
        structured_report(uid, "17", title=DOSE_REPORT),
        structured_report(uid, "17", verified_by=None, content=by_device),
        structured_report(uid, "17", verified_by=None, Manufacturer="Leapfrog"),
    ):
        orthanc.add(file_of(made))
    assert box.ask(box.inquirer(orthanc.dicomweb_url)).mark == ""
    assert box.states() == ["no_answer"] * 3
    assert box.told == []


def test_a_report_on_another_patient_is_never_shown(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    for patient_id, birth_date in (("18", "19800101"), ("17", "19790101"), ("18", "")):
        orthanc.add(file_of(structured_report(exam.study_instance_uid, patient_id, birth_date)))
    answers = box.ask(inquirer := box.inquirer(orthanc.dicomweb_url))
    assert (answers.shown, answers.another_patient) == ((), 3)
    assert [row["content"] for row in box.journal.rows("SELECT content FROM answers")] == [""] * 3
    assert [problem.what for problem in inquirer.problems()] != []


def test_the_number_that_the_district_gave_the_patient_will_do(box: AnswersBox, orthanc: Orthanc) -> None:
    """It coerced what it was sent: the box's own film lies there under the same other number."""
    exam = box.sent_exam()
    coerced = exam.original.replace(b"LO\x02\x0017", b"LO\x06\x00D-9913")
    orthanc.add(coerced)
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "D-9913")))
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "D-9914")))
    answers = box.ask(box.inquirer(orthanc.dicomweb_url))
    assert [one.document.patient.number for one in answers.shown] == ["D-9913"]
    assert answers.another_patient == 1


def test_the_newer_one_comes_first_and_takes_the_place_of_the_older(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    inquirer = box.inquirer(orthanc.dicomweb_url)
    first = structured_report(exam.study_instance_uid, "17")
    orthanc.add(file_of(first))
    assert [one.replaced for one in box.ask(inquirer).shown] == [False]
    corrected = structured_report(
        exam.study_instance_uid, "17", replaces=first.SOPInstanceUID, ContentDate="20261103"
    )  # fmt: skip
    orthanc.add(file_of(corrected))
    answers = box.ask(inquirer, 25 * HOUR)
    assert [(one.document.sop_instance_uid, one.counts) for one in answers.shown] == [
        (corrected.SOPInstanceUID, True),
        (first.SOPInstanceUID, False),
    ]


def test_one_that_the_district_removed_is_withdrawn_and_may_come_back(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    inquirer = box.inquirer(orthanc.dicomweb_url)
    report = structured_report(exam.study_instance_uid, "17")
    orthanc.add(file_of(report))
    shown = box.ask(inquirer).mark
    orthanc.remove(report.SOPInstanceUID)
    assert box.ask(inquirer, 25 * HOUR).mark == shown  # it is looked for once more
    assert [one.withdrawn for one in box.ask(inquirer, 25 * HOUR).shown] == [True]
    assert box.told == [exam.key, exam.key]
    orthanc.add(file_of(report))
    assert box.ask(inquirer, 25 * HOUR).mark == shown


def test_the_same_one_from_two_districts_is_shown_once(
    box: AnswersBox, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    box.journal.change(
        "INSERT INTO answer_questions (study_key, destination, asked_at) VALUES (?, 'other', ?)", exam.key, box.now
    )
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "17")))
    box.ask(box.inquirer(orthanc.dicomweb_url))
    answers = box.ask(box.inquirer(proxy.url, name="other"))
    assert len(answers.shown) == 1
    assert box.told == [exam.key]
    assert not any("/instances/" in exchange.path for exchange in proxy.exchanges)  # it was not fetched again


def test_however_often_somebody_asks_by_hand_the_box_still_asks_by_itself(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    inquirer = box.inquirer(orthanc.dicomweb_url)
    for _ in range(MOST_ASKS + 1):
        inquirer.ask_now()
        assert box.ask(inquirer, after=2.0).shown == ()
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "17")))
    assert len(box.ask(inquirer).shown) == 1


def behind_the_name(original: bytes, name: str = "KITUI") -> bytes:
    """As config/district/box_issuer.py files it."""
    film = pydicom.dcmread(BytesIO(original))
    film.PatientID, film.IssuerOfPatientID = f"{name}-{film.PatientID}", name
    return file_of(film)


def test_without_a_date_of_birth_an_answer_is_theirs_under_the_number_behind_the_clinics_name(
    box: AnswersBox, orthanc: Orthanc
) -> None:
    exam = box.sent_exam(birth_date="")
    orthanc.add(behind_the_name(exam.original))
    for patient_id, issuer in (("KITUI-17", "KITUI"), ("KITUI-17", ""), ("MWINGI-17", "MWINGI")):
        report = structured_report(exam.study_instance_uid, patient_id, "", IssuerOfPatientID=issuer)
        orthanc.add(file_of(report))
    answers = box.ask(box.inquirer(orthanc.dicomweb_url, own_issuer="KITUI"))
    assert [one.document.patient.number for one in answers.shown] == ["KITUI-17", "KITUI-17"]
    assert (answers.another_patient, answers.unsure_patient) == (1, 0)


def test_a_box_with_the_settings_of_another_clinic_shows_none_of_its_answers(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(birth_date="")
    orthanc.add(behind_the_name(exam.original, "MWINGI"))  # by its certificate
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "KITUI-17", "", IssuerOfPatientID="KITUI")))
    answers = box.ask(box.inquirer(orthanc.dicomweb_url, own_issuer="KITUI"))
    assert (answers.shown, answers.another_patient) == ((), 1)


def test_a_link_that_fails_while_the_district_is_asked_whose_it_is_is_no_fault_of_the_answer(
    box: AnswersBox, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    exam = box.sent_exam(birth_date="")
    orthanc.add(behind_the_name(exam.original))
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "KITUI-17", "")))
    inquirer = box.inquirer(proxy.url, own_issuer="KITUI")
    fetched = [False]

    def down_once_it_is_here(exchange: Exchange) -> Mishap | None:
        fetched[0] |= "/series/" in exchange.path
        return Answer(503) if fetched[0] and "/series/" not in exchange.path else None

    proxy.always(down_once_it_is_here)
    for _ in range(MOST_ATTEMPTS + 1):
        assert box.ask(inquirer, after=2 * HOUR).mark == ""
    assert box.states() == ["fetched"]
    proxy.always(lambda exchange: None)
    assert len(box.ask(inquirer, after=2 * HOUR).shown) == 1


def test_two_patients_without_dates_of_birth_under_one_study_number_each_get_their_own(
    box: AnswersBox, orthanc: Orthanc
) -> None:
    first = box.sent_exam("17", birth_date="")
    second = box.sent_exam("18", birth_date="", study_instance_uid=first.study_instance_uid)
    for exam in (first, second):
        orthanc.add(behind_the_name(exam.original))
        orthanc.add(file_of(structured_report(first.study_instance_uid, f"KITUI-{exam.patient_id}", "")))
    box.ask(box.inquirer(orthanc.dicomweb_url, own_issuer="KITUI"))
    for exam in (first, second):
        answers = box.answers.of_exam(exam.key)
        assert [one.document.patient.number for one in answers.shown] == [f"KITUI-{exam.patient_id}"]
        assert (answers.another_patient, answers.unsure_patient) == (0, 0)


def test_two_patients_under_one_study_number_each_get_their_own(box: AnswersBox, orthanc: Orthanc) -> None:
    first = box.sent_exam("17", give_to=orthanc.add)
    second = box.sent_exam("18", study_instance_uid=first.study_instance_uid, give_to=orthanc.add)
    for patient_id in ("17", "18"):
        orthanc.add(file_of(structured_report(first.study_instance_uid, patient_id)))
    box.ask(box.inquirer(orthanc.dicomweb_url))
    for exam in (first, second):
        answers = box.answers.of_exam(exam.key)
        assert [one.document.patient.number for one in answers.shown] == [exam.patient_id]
        assert answers.another_patient == 0


def test_a_question_about_forty_exams_costs_little_and_only_what_changed_is_looked_through(
    box: AnswersBox, orthanc: Orthanc, proxy: RecordingProxy
) -> None:
    exams = [box.sent_exam(str(number), give_to=orthanc.add) for number in range(100, 140)]
    orthanc.add(file_of(structured_report(exams[0].study_instance_uid, "100")))
    inquirer = box.inquirer(proxy.url)
    box.ask(inquirer)
    before = len(proxy.exchanges)
    box.ask(inquirer)
    (question,) = proxy.exchanges[before:]
    assert len(question.path) < 3000
    packed = gzip.compress(requests.get(orthanc.url + question.path, timeout=10).content)
    assert len(packed) < 40 * 60
    orthanc.add(file_of(structured_report(exams[3].study_instance_uid, "103")))
    box.ask(inquirer)
    asked = [exchange.path for exchange in proxy.exchanges[before + 1 :]]
    assert [path.partition("?")[0].count("/") for path in asked] == [2, 4, 7]  # all studies, one, its document
    assert [len(box.answers.of_exam(exam.key).shown) for exam in exams] == [number in (0, 3) for number in range(40)]


def test_a_document_does_not_take_the_room_that_images_need(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "17")))
    box.files = AnswerFiles(box.files.path("1").parent, min_free_bytes=1 << 60)
    inquirer = box.inquirer(orthanc.dicomweb_url)
    for _ in range(2):
        assert box.ask(inquirer).shown == ()
    assert box.states() == ["listed"]
    box.files = AnswerFiles(box.files.path("1").parent)
    assert len(box.ask(box.inquirer(orthanc.dicomweb_url)).shown) == 1


def test_nobody_is_asked_before_results_are_sent(box: AnswersBox, orthanc: Orthanc, proxy: RecordingProxy) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    box.journal.change(
        "INSERT INTO deliveries (id, kind, study_key, sop_class_uid, sop_instance_uid, spool_name, created_at)"
        " VALUES ('d', 'structured_report', ?, '1.2', '1.2.3.4', 'd.dcm', '')",
        exam.key,
    )
    inquirer = box.inquirer(proxy.url)
    box.ask(inquirer)
    assert proxy.exchanges == []
    box.journal.change("UPDATE deliveries SET state = 'confirmed' WHERE id = 'd'")
    box.ask(inquirer)
    assert proxy.exchanges != []


def test_what_a_stop_cut_short_is_done_by_the_next_start(box: AnswersBox, orthanc: Orthanc) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    orthanc.add(file_of(structured_report(exam.study_instance_uid, "17")))
    inquirer = box.inquirer(orthanc.dicomweb_url)
    inquirer._examiner.stop()  # as a stop in that moment
    assert box.ask(inquirer).shown == ()
    assert box.states() == ["fetched"]
    assert len(box.ask(box.inquirer(orthanc.dicomweb_url), 0.0).shown) == 1


@pytest.mark.skipif(shutil.which("xml2dsr") is None, reason="DCMTK is not installed")
def test_reports_and_letters_that_dcmtk_makes_are_read(box: AnswersBox, orthanc: Orthanc, tmp_path: Path) -> None:
    exam = box.sent_exam(give_to=orthanc.add)
    report = structured_report(exam.study_instance_uid, "17", content=coded_content((EFFUSION, ABSENT)))
    (tmp_path / "made.dcm").write_bytes(file_of(report))
    (tmp_path / "film.dcm").write_bytes(exam.original)
    (tmp_path / "letter.pdf").write_bytes(pdf_pages("Clear."))
    for command in (
        ["dsr2xml", "made.dcm", "report.xml"],
        ["xml2dsr", "+Ug", "report.xml", "report.dcm"],
        ["pdf2dcm", "+st", "film.dcm", "letter.pdf", "letter.dcm"],
    ):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    for name in ("report.dcm", "letter.dcm"):
        orthanc.add((tmp_path / name).read_bytes())
    answers = box.ask(box.inquirer(orthanc.dicomweb_url))
    assert {(one.document.kind, one.judgement) for one in answers.shown} == {
        ("structured_report", "verified"),
        ("pdf", "unclear"),
    }
