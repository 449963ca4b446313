"""TLS with DCMTK's storescp: trusted sides get through, and everything else ends with a helpful message."""

from pathlib import Path

import pytest

from leapfrog.errors import DistrictLocked, DistrictUnreachable
from leapfrog.outbox.courier import CONFIRMED
from support.archives import made_up_archive, tls_store_scp
from support.certificates import Certificate, make_certificate
from support.courier_box import CourierBox


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    directory = tmp_path_factory.mktemp("certificates")
    return {name: make_certificate(directory, name) for name in ("server", "client", "stranger")}


def test_both_sides_know_each_other_by_certificate(
    box: CourierBox, archive_folder: Path, certificates: dict[str, Certificate]
) -> None:
    server, client = certificates["server"], certificates["client"]
    delivery = box.owe(200_000)
    with tls_store_scp(archive_folder, server, client) as archive:
        courier = box.courier(
            archive.port,
            tls=True,
            ca_file=server.certificate,
            client_certificate=client.certificate,
            client_key=client.key,
        )
        assert box.make(courier, delivery) == CONFIRMED
        assert archive.held() == {delivery.sop_instance_uid: 1}


def test_a_stranger_is_kept_out(box: CourierBox, archive_folder: Path, certificates: dict[str, Certificate]) -> None:
    server, stranger = certificates["server"], certificates["stranger"]
    delivery = box.owe()
    with tls_store_scp(archive_folder, server, certificates["client"]) as archive:
        courier = box.courier(archive.port, tls=True, ca_file=server.certificate, client_certificate=stranger.both)
        with pytest.raises(DistrictUnreachable):
            box.make(courier, delivery)
        assert archive.files() == []


def test_an_archive_that_is_not_trusted_gets_nothing(
    box: CourierBox, archive_folder: Path, certificates: dict[str, Certificate]
) -> None:
    delivery = box.owe()
    with tls_store_scp(archive_folder, certificates["server"], certificates["client"]) as archive:
        courier = box.courier(archive.port, tls=True, ca_file=certificates["stranger"].certificate)
        with pytest.raises(DistrictUnreachable, match=r"is not trusted.*Check the clock and ca_file"):
            box.make(courier, delivery)
        assert archive.files() == []


def test_a_certificate_for_another_name_is_not_trusted(
    box: CourierBox, archive_folder: Path, certificates: dict[str, Certificate]
) -> None:
    server = certificates["server"]
    delivery = box.owe()
    with tls_store_scp(archive_folder, server, certificates["client"]) as archive:
        courier = box.courier(archive.port, host="localhost", tls=True, ca_file=server.certificate)
        with pytest.raises(DistrictUnreachable, match=r"is not trusted.*localhost"):
            box.make(courier, delivery)


def test_an_archive_without_tls_gets_nothing(box: CourierBox, certificates: dict[str, Certificate]) -> None:
    delivery = box.owe()
    with made_up_archive() as archive:
        courier = box.courier(archive.port, tls=True, ca_file=certificates["server"].certificate)
        with pytest.raises(DistrictUnreachable, match="check that the port is the one for TLS"):
            box.make(courier, delivery)
        assert archive.stored == []


def test_files_that_are_no_certificates_are_named(box: CourierBox, tmp_path: Path) -> None:
    delivery = box.owe()
    with pytest.raises(DistrictLocked, match="cannot be used: check that they are there"):
        box.make(box.courier(1, tls=True, ca_file=tmp_path / "missing.pem"), delivery)
