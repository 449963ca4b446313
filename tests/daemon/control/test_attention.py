"""What the journal's lines say."""

from pathlib import Path

from leapfrog.control.attention import JournalView
from leapfrog.dicom.commitment import CommitmentRequest, Reference
from leapfrog.exam_number import exam_number
from leapfrog.state.commitments import Commitments
from leapfrog.state.deliveries import Deliveries
from leapfrog.state.instances import Instances
from leapfrog.state.journal import Journal
from support.destinations import a_district
from support.journal_rows import commit, new_instance, original_delivery


def test_strangers_who_were_never_told_make_few_lines_and_none_in_the_worklist(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    commitments, reference = Commitments(journal), Reference("1.2.840.10008.5.1.4.1.1.7", "2.25.404")
    asked = [
        commitments.add(f"NURSE CALL {number}", "192.0.2.66", CommitmentRequest("2.25.1", (reference,)))
        for number in range(30)
    ]
    commitments.waited(dict.fromkeys(asked, 2.0), 1.0)
    problems = JournalView(journal, [a_district()]).problems(live=True)
    assert [problem.in_worklist for problem in problems] == [False] * 4
    assert "27 other AE titles" in problems[3].what
    journal.close()


def test_lines_name_the_exams_that_they_speak_of_the_newest_first_and_not_all_of_many(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    images = [new_instance(exam_number=exam_number(number)) for number in range(1, 8)]
    for image in images:
        assert Instances(journal).add(image) == []
        commit(journal, image.id, "set_aside")
    Deliveries(journal).refuse(original_delivery(journal, images[0].id)["id"], "not wanted")
    journal.change("UPDATE instances SET file_problem = 'missing' WHERE id IN (?, ?)", images[1].id, images[2].id)
    said = [problem.what for problem in JournalView(journal, [a_district()]).problems(live=False)]
    numbers = [image.exam_number for image in images]
    newest = ", ".join(numbers[:1:-1])
    assert said == [
        f"7 files could not be read (exams {newest} and others).",
        f"2 stored images are missing from the spool (exams {numbers[2]} and {numbers[1]}).",
        f"1 object cannot be delivered to the district server (exam {numbers[0]}).",
    ]
    journal.close()
