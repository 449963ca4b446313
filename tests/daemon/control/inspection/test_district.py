"""The district server, as `doctor` asks it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leapfrog.control.inspection.district import DOES_NOT_STORE, district_answers, own_state_answers
from leapfrog.control.inspection.district import Answer as OurAnswer
from leapfrog.errors import CannotBeSigned
from leapfrog.settings import Settings
from support.orthanc import Orthanc, orthanc_program
from support.put_server import PutServer
from support.recording_proxy import Answer, RecordingProxy


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    if orthanc_program() is None:
        pytest.skip("Orthanc with its DICOMweb plug-in is not installed")
    with Orthanc(tmp_path_factory.mktemp("orthanc"), users={"box": "right"}) as server:
        yield server


def settings(url: str, folder: Path, password: str = "right") -> Settings:
    (folder / "password").write_text(password)
    district = {"url": url, "username": "box", "password_file": folder / "password"}
    return Settings.model_validate({"district": district})


def test_a_server_that_works_is_found_and_nothing_is_stored(orthanc: Orthanc, tmp_path: Path) -> None:
    answers = list(district_answers(settings(orthanc.dicomweb_url, tmp_path)))
    assert [(answer.name, answer.problem) for answer in answers] == [
        ("district search", None),
        ("district storage", None),
    ]
    assert not orthanc.held()


def test_a_wrong_password_is_named(orthanc: Orthanc, tmp_path: Path) -> None:
    (answer,) = district_answers(settings(orthanc.dicomweb_url, tmp_path, "wrong"))
    assert answer.problem is not None
    assert "password_file" in answer.problem.remedy


def test_a_server_that_is_down_is_named(tmp_path: Path) -> None:
    (answer,) = district_answers(settings("http://127.0.0.1:9/dicom-web", tmp_path))
    assert answer.problem is not None
    assert "cannot be reached" in answer.problem.what


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_stores_nothing_is_named(orthanc: Orthanc, tmp_path: Path, status: int) -> None:
    with RecordingProxy(orthanc.dicomweb_url) as proxy:
        proxy.plan(Answer(status))
        answers = list(district_answers(settings(proxy.url, tmp_path)))
    assert answers[-1].problem is not None
    assert answers[-1].problem.what == DOES_NOT_STORE or "DICOMweb" in answers[-1].problem.what


def test_each_destination_is_asked_and_named(orthanc: Orthanc, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("right")
    login = {"username": "box", "password_file": tmp_path / "password"}
    several = Settings.model_validate(
        {
            "district": {"url": orthanc.dicomweb_url, **login},
            "destination": [
                {"name": "province", "url": orthanc.dicomweb_url, **login},
                {"name": "hospital", "url": orthanc.dicomweb_url, "username": "nobody"},
            ],
        }
    )
    *well, locked = district_answers(several)
    assert [(answer.name, answer.problem) for answer in well] == [
        (f"{name} {what}", None) for name in ("district", "province") for what in ("search", "storage")
    ]
    assert locked.name == "hospital" and locked.problem is not None
    assert locked.problem.what.startswith("The server hospital rejected this box's login")
    assert "username of the destination hospital" in locked.problem.remedy


def test_without_a_district_nothing_is_asked() -> None:
    assert list(district_answers(Settings())) == []


def told_of_own_state(url: str, signed: Callable[[], bytes]) -> OurAnswer:
    (answer,) = own_state_answers(Settings.model_validate({"fleet": {"url": url}}), signed)
    return answer


def test_where_a_district_keeps_what_boxes_say_it_is_left_there() -> None:
    with PutServer() as server:
        answer = told_of_own_state(server.url, lambda: b"signed")
    assert answer.problem is None
    assert answer.detail == "It takes what this box says of itself (6 bytes)."
    assert server.bodies == [b"signed"]


def test_a_district_that_does_not_keep_it_is_named_with_what_to_do() -> None:
    with PutServer(status=405) as server:
        answer = told_of_own_state(server.url, lambda: b"signed")
    assert answer.problem is not None
    assert "allow PUT there (nginx: dav_methods PUT)" in answer.problem.what


def test_a_box_without_a_key_is_told_so_and_not_the_district() -> None:
    def sign() -> bytes:
        raise CannotBeSigned("This box has no station key.")

    with PutServer() as server:
        answer = told_of_own_state(server.url, sign)
    assert answer.problem is not None
    assert answer.problem.what == "This box has no station key."
    assert server.answered == []


def test_without_an_address_nobody_is_asked() -> None:
    assert list(own_state_answers(Settings(), bytes)) == []
