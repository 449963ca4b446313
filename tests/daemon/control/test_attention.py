"""What the journal's lines say."""

from pathlib import Path

from leapfrog.control.attention import JournalView
from leapfrog.dicom.commitment import CommitmentRequest, Reference
from leapfrog.state.commitments import Commitments
from leapfrog.state.journal import Journal


def test_strangers_who_were_never_told_make_few_lines_and_none_in_the_worklist(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    commitments, reference = Commitments(journal), Reference("1.2.840.10008.5.1.4.1.1.7", "2.25.404")
    asked = [
        commitments.add(f"NURSE CALL {number}", "192.0.2.66", CommitmentRequest("2.25.1", (reference,)))
        for number in range(30)
    ]
    commitments.waited(dict.fromkeys(asked, 2.0), 1.0)
    problems = JournalView(journal).problems(live=True)
    assert [problem.in_worklist for problem in problems] == [False] * 4
    assert "27 other AE titles" in problems[3].what
    journal.close()
