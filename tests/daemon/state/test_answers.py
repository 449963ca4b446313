"""Which exams districts are asked about, and what became of what they listed, outlives kills and goes with the exam."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.state.answer_files import AnswerFiles
from leapfrog.state.answers import MISSING_OFTEN, ListedDocument
from support.answers_box import AnswersBox
from support.documents import document

NOW = 1_800_000_000.0
DISTRICT = "district"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[AnswersBox]:
    with AnswersBox(tmp_path) as box:
        yield box


def listed(*uids: str) -> list[ListedDocument]:
    return [ListedDocument(sop_class_uid="1.2", sop_instance_uid=uid, series_instance_uid="1.3") for uid in uids]


def test_an_exam_is_asked_about_once_something_of_it_arrived_and_not_for_ever(box: AnswersBox) -> None:
    exam = box.sent_exam()
    (question,) = box.answers.questions(DISTRICT)
    assert (question.study_key, question.asked) == (exam.key, 0)
    assert box.answers.questions("other") == []
    for _ in range(3):
        box.answers.asked(DISTRICT, [exam.key], NOW, 3)
    assert box.answers.questions(DISTRICT) == []


def test_a_document_is_fetched_once_however_often_it_is_listed(box: AnswersBox) -> None:
    exam = box.sent_exam()
    for _ in range(2):
        box.answers.looked_through(DISTRICT, exam.key, listed("1.2.3"), 5)
    (found,) = box.answers.to_fetch(DISTRICT)
    box.answers.fetched(found.id, 10, "sha")
    box.answers.looked_through(DISTRICT, exam.key, listed("1.2.3"), 6)
    assert box.answers.to_fetch(DISTRICT) == []
    assert [one.id for one in box.answers.to_examine(DISTRICT)] == [found.id]


def test_one_that_is_not_listed_any_more_is_withdrawn_after_a_second_look(box: AnswersBox) -> None:
    exam = box.sent_exam()
    box.answers.looked_through(DISTRICT, exam.key, listed("1.2.3"), 2)
    (found,) = box.answers.to_fetch(DISTRICT)
    box.answers.examined(found.id, "shown", judgement="verified", document=document())
    looks = [box.answers.looked_through(DISTRICT, exam.key, [], 1) for _ in range(MISSING_OFTEN)]
    assert looks == [False, True]
    assert [one.withdrawn for one in box.answers.of_exam(exam.key).shown] == [True]


def test_it_is_withdrawn_only_where_every_district_that_had_it_lacks_it(box: AnswersBox) -> None:
    exam = box.sent_exam()
    for name in (DISTRICT, "other"):
        box.answers.looked_through(name, exam.key, listed("1.2.3"), 2)
    (found,) = box.answers.to_fetch(DISTRICT)
    box.answers.examined(found.id, "shown", judgement="verified", document=document())
    for _ in range(MISSING_OFTEN):
        box.answers.looked_through("other", exam.key, [], 1)
    assert [one.withdrawn for one in box.answers.of_exam(exam.key).shown] == [False]


def test_an_answer_opens_the_exam_for_a_new_page_and_keeps_its_age(box: AnswersBox) -> None:
    exam = box.sent_exam()
    box.journal.change("UPDATE studies SET state = 'quiet', finished_day = 7")
    box.answers.looked_through(DISTRICT, exam.key, listed("1.2.3"), 2)
    (found,) = box.answers.to_fetch(DISTRICT)
    box.answers.examined(found.id, "no_answer")
    assert [row["state"] for row in box.journal.rows("SELECT state FROM studies")] == ["quiet"]
    box.answers.examined(found.id, "another_patient")
    (row,) = box.journal.rows("SELECT state, finished_day FROM studies")
    assert tuple(row) == ("open", 7)


def test_it_goes_with_its_exam(box: AnswersBox) -> None:
    exam = box.sent_exam()
    box.answers.looked_through(DISTRICT, exam.key, listed("1.2.3"), 2)
    for table in ("deliveries", "instances", "studies"):
        box.journal.change(f"DELETE FROM {table}")
    for table in ("answers", "answer_places", "answer_questions"):
        assert box.journal.count(table) == 0


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    files = AnswerFiles(tmp_path / "answers")
    with files.receiving("a") as stream:
        stream.write(b"whole")
    with pytest.raises(ValueError, match="cut"), files.receiving("b") as stream:
        stream.write(b"half")
        raise ValueError("cut")
    assert files.path("a").read_bytes() == b"whole"
    assert files.path("a").stat().st_mode & 0o777 == 0o600
    files.path("c").write_bytes(b"left by a power cut")
    files.keep_only(["a"])
    assert [path.name for path in (tmp_path / "answers").iterdir()] == [files.path("a").name]


def test_each_question_of_the_journal_uses_an_index(box: AnswersBox) -> None:
    plans = [
        box.journal.rows(f"EXPLAIN QUERY PLAN {query}")
        for query in (
            "SELECT 1 FROM answers WHERE state = 'listed' ORDER BY sequence",
            "SELECT 1 FROM answers WHERE study_key = 'k'",
            "SELECT 1 FROM answers WHERE state IN ('another_patient', 'unsure_patient') ORDER BY sequence DESC",
        )
    ]
    assert not [row["detail"] for plan in plans for row in plan if row["detail"].startswith("SCAN answers")]


def test_what_a_power_cut_left_of_a_document_is_removed(tmp_path: Path) -> None:
    files = AnswerFiles(tmp_path / "answers")
    (tmp_path / "answers" / ".a.part").write_bytes(b"half")
    files.clear_partial()
    assert list((tmp_path / "answers").iterdir()) == []
