"""What a child says that a document may have taken over is looked at like any stranger's word."""

import json
import sys
from pathlib import Path

import pytest

from leapfrog.answers.examined import LARGEST_EXAMINED_BYTES
from leapfrog.outbox.answers import examiner
from leapfrog.outbox.answers.examiner import NOT_EXAMINED, Examination, Examiner
from support.documents import document
from support.radiologist import file_of, structured_report

PAGE = json.loads(document(kind="pdf", pages=1).model_dump_json())


def said(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Examination:
    """What comes of a child that is this program."""
    monkeypatch.setattr(examiner, "our_program", lambda *_: [sys.executable, "-c", f"import sys; {program}"])
    (folder / "document").write_bytes(b"document")
    return Examiner().examine(folder / "document")


@pytest.mark.parametrize(
    "program",
    [
        "pass",
        "print('{}')",
        "print('[' * 100000)",
        f"sys.stdout.write('x' * {LARGEST_EXAMINED_BYTES + 10})",
        f"print({json.dumps(json.dumps({'document': PAGE, 'pages': []}))})",
        f"print({json.dumps(json.dumps({'document': PAGE, 'pages': ['aHRtbA==']}))})",  # no JPEG
        f"print({json.dumps(json.dumps({'document': {**PAGE, 'path': '/etc'}, 'pages': []}))})",
        "sys.exit(7)",
        "import os; os.kill(os.getpid(), 9)",
    ],
)
def test_what_makes_no_sense_counts_for_nothing(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(program, tmp_path, monkeypatch) == Examination(reason=NOT_EXAMINED)


def test_a_reason_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = said("sys.stdout.write('x' * 100000); sys.exit(1)", tmp_path, monkeypatch).reason
    assert reason == "x" * 200


def test_a_document_is_examined_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "document").write_bytes(file_of(structured_report("1.2.3", "17")))
    examination = Examiner().examine(tmp_path / "document")
    assert examination.document is not None
    assert examination.document.patient.number == "17"
    assert [path.name for path in tmp_path.iterdir()] == ["document"]
