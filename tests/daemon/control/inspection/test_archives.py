"""What `doctor` says of DICOM archives, and what a person is to do about it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from leapfrog.control.inspection.archives import SOP_CLASSES, archive_answers
from leapfrog.control.inspection.district import Answer
from leapfrog.settings import Settings
from support.archives import IMPLICIT, SECONDARY_CAPTURE, VERIFICATION, made_up_archive
from support.certificates import make_certificate
from support.orthanc import Orthanc, orthanc_program
from support.ports import free_port
from support.promising_archive import PUSH_MODEL

EVERYTHING: dict[str, Sequence[str]] = {uid: [IMPLICIT] for uid in (VERIFICATION, *SOP_CLASSES.values())}


def ask(port: int, *, dicom: dict[str, Any] | None = None, **keys: Any) -> list[Answer]:
    archive = {"name": "archive", "kind": "dicom", "host": "127.0.0.1", "port": port, "ae_title": "ARCHIVE", **keys}
    return list(archive_answers(Settings.model_validate({"destination": [archive], "dicom": dicom or {}})))


def problem_of(answers: list[Answer]) -> str:
    (problem,) = [answer.problem for answer in answers if answer.problem is not None]
    return problem.text


def test_an_archive_that_takes_everything_is_well() -> None:
    with made_up_archive(contexts=EVERYTHING) as archive:
        (answer,) = ask(archive.port)
    assert answer.problem is None and "answers C-ECHO as ARCHIVE" in answer.detail
    assert archive.stored == []


@pytest.mark.skipif(orthanc_program() is None, reason="Orthanc is not installed")
def test_orthanc_takes_everything_and_promises_it(tmp_path: Path) -> None:
    with Orthanc(tmp_path) as orthanc:
        answers = ask(orthanc.dicom_port, commit=True)
    assert [answer.problem for answer in answers] == [None, None]


def test_kinds_that_it_does_not_take_are_named_before_anything_is_sent() -> None:
    with made_up_archive(contexts={VERIFICATION: [IMPLICIT], SECONDARY_CAPTURE: [IMPLICIT]}) as archive:
        text = problem_of(ask(archive.port))
    assert '"structured_report", "report_pdf", "segmentation".' in text
    assert "take them out of its `send`" in text


def test_one_that_never_promises_anything_is_told_of() -> None:
    with made_up_archive(contexts=EVERYTHING) as archive:
        assert "set commit = false" in problem_of(ask(archive.port, commit=True))


def test_one_that_may_not_call_back_is_told_of() -> None:
    with made_up_archive(contexts={**EVERYTHING, PUSH_MODEL: [IMPLICIT]}) as archive:
        text = problem_of(ask(archive.port, commit=True, dicom={"allowed_ae_titles": ["CR1"]}))
        assert 'Add "ARCHIVE" to dicom.allowed_ae_titles' in text
        answers = ask(archive.port, commit=True, dicom={"allowed_ae_titles": ["CR1", "ARCHIVE"]})
    assert all(answer.problem is None for answer in answers)


def test_each_way_not_to_get_in_says_what_to_do(tmp_path: Path) -> None:
    assert "Check that the link is up, that the archive runs" in problem_of(ask(free_port()))
    with made_up_archive(require_calling_aet=["OTHER"]) as archive:
        assert "Enter a DICOM node there with the AE title LEAPFROG" in problem_of(ask(archive.port))
    with made_up_archive(require_called_aet=True) as archive:
        assert "Set ae_title of the destination archive" in problem_of(ask(archive.port, ae_title="WRONG"))
    with made_up_archive() as archive:
        text = problem_of(ask(archive.port, tls=True, ca_file=make_certificate(tmp_path, "server").certificate))
        assert "Check that the port is the one for TLS" in text
