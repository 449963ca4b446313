"""The demonstration's district server, asked with plain HTTP requests."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from leapfrog.commands.demo.district import DemoDistrict
from leapfrog.phantoms.exams import as_file, fetal_head_exam
from leapfrog.phantoms.fetal_head import FetalHead

BOUNDARY = "between"
HEADERS = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'}


@pytest.fixture
def district(tmp_path: Path) -> Iterator[DemoDistrict]:
    """A district server that is not open yet."""
    server = DemoDistrict(tmp_path / "district")
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def instance() -> tuple[str, bytes]:
    """SOP Instance UID and file of a small phantom."""
    dataset = fetal_head_exam(FetalHead(), 1, frames=1)
    return str(dataset.SOPInstanceUID), as_file(dataset)


def _post(district: DemoDistrict, *parts: bytes) -> requests.Response:
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + part + b"\r\n" for part in parts
    )
    return requests.post(f"{district.url}/studies", data=body + f"--{BOUNDARY}--".encode(), headers=HEADERS, timeout=10)


def test_nobody_can_connect_before_it_is_open(district: DemoDistrict) -> None:
    address = urlsplit(district.url)
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect((address.hostname, address.port))
    district.open()
    with socket.socket() as client:
        client.connect((address.hostname, address.port))


def test_a_stored_instance_is_confirmed_by_its_uid_kept_and_found(
    district: DemoDistrict, instance: tuple[str, bytes], tmp_path: Path
) -> None:
    uid, content = instance
    district.open()
    answer = _post(district, content)
    assert answer.status_code == 200
    assert answer.json()["00081199"]["Value"][0]["00081155"]["Value"] == [uid]
    assert (tmp_path / "district" / "001.dcm").read_bytes() == content
    found = requests.get(f"{district.url}/instances", params={"SOPInstanceUID": uid}, timeout=10)
    assert found.json()[0]["00080018"]["Value"] == [uid]
    assert list(district.received()) == [uid]


def test_a_part_that_is_not_dicom_is_failed_and_not_kept(district: DemoDistrict, instance: tuple[str, bytes]) -> None:
    district.open()
    assert _post(district, b"not DICOM").status_code == 409
    both = _post(district, b"not DICOM", instance[1])
    assert both.status_code == 202
    assert len(both.json()["00081198"]["Value"]) == len(both.json()["00081199"]["Value"]) == 1
    assert len(district.received()) == 1


def test_it_counts_what_is_sent_twice(district: DemoDistrict, instance: tuple[str, bytes]) -> None:
    district.open()
    _post(district, instance[1])
    assert district.sent_twice() == 0
    _post(district, instance[1])
    assert district.sent_twice() == 1


def test_an_unknown_instance_and_an_unknown_path_are_not_found(district: DemoDistrict) -> None:
    district.open()
    missing = requests.get(f"{district.url}/instances", params={"SOPInstanceUID": "2.25.1"}, timeout=10)
    assert missing.status_code == 204
    assert requests.get(f"{district.url}/elsewhere", timeout=10).status_code == 404
    assert requests.post(f"{district.url}/elsewhere", data=b"x", timeout=10).status_code == 404


def test_a_request_that_is_not_multipart_is_refused(district: DemoDistrict, instance: tuple[str, bytes]) -> None:
    district.open()
    headers = {"Content-Type": "application/dicom"}
    answer = requests.post(f"{district.url}/studies", data=instance[1], headers=headers, timeout=10)
    assert answer.status_code == 400
    assert not district.received()
