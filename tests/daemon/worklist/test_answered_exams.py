"""The list says which exams a radiologist answered, and shows those that were answered lately though they are old."""

from pathlib import Path
from typing import Any

from leapfrog.language.sentence import sentence
from leapfrog.state.journal import Journal
from leapfrog.state.listed_studies import ListedStudies
from leapfrog.worklist.listed_exam import ListedExam, groups_of
from leapfrog.worklist.worklist import render_worklist
from support.listed import box_state
from support.listed import listed_exam as exam

ANSWERED: dict[str, Any] = {"answered": sentence("the radiologist has answered"), "answered_on": "2026-11-05"}


def places(*exams: ListedExam) -> dict[str, str]:
    return {str(one.row.patient): group.place for group in groups_of(exams) for one in group.exams}


def test_an_old_exam_that_was_answered_lately_stands_above_flagged_ones() -> None:
    found = places(
        exam("New", day="2026-11-04"),
        exam("Flagged", day="2026-11-03", kind="look"),
        exam("Old", day="2026-09-01", urgent=True, kind="look", **ANSWERED),
        exam("Long ago", day="2026-09-01", **{**ANSWERED, "answered_on": "2026-09-02"}),
    )
    assert found == {"New": "other", "Flagged": "flagged", "Old": "answered", "Long ago": "other"}


def test_its_row_says_so_and_whether_it_differs_from_the_model() -> None:
    page = render_worklist([exam("Okello^Grace", answer_differs=True, **ANSWERED)], box_state()).page
    row = page[page.index("<tbody") :]
    assert 'class="nothing_flagged answered"' in row
    assert "the radiologist has answered" in row
    assert "differs from the model" in row


def test_an_answer_for_another_patient_needs_a_person_and_is_no_answer() -> None:
    told = sentence("An answer for another patient came under this exam. It is not shown: tell the district.")
    one = exam("Okello^Grace", answers_to_do=(told,))
    assert (one.needs_person, one.is_answered) == (True, False)
    assert told in one.to_do


def test_the_exams_that_were_answered_last_are_in_the_list_however_old(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    for number in range(4):
        journal.change(
            "INSERT INTO studies (key, study_instance_uid, patient_id, issuer, received_at, received_date, version,"
            " published_version) VALUES (?, '', '', '', '', '', 1, 1)",
            f"k{number}",
        )
    journal.change(
        "INSERT INTO answers (id, study_key, state, sop_class_uid, sop_instance_uid, series_instance_uid, received_at)"
        " VALUES ('a', 'k0', 'shown', '', '1.2', '', '')"
    )
    assert [study.key for study in ListedStudies(journal).newest(2, 0)] == ["k3", "k2", "k0"]
    journal.close()
