"""DICOM over TLS (PS3.15 Annex B)."""

import socket
from pathlib import Path

import pytest

from leapfrog.errors import SettingsError
from support.certificates import Certificate, make_certificate
from support.dcmtk import run_program, store
from support.exams import ultrasound, write_instances
from support.intake_box import Box


@pytest.fixture
def server(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path, "server")


@pytest.fixture
def client(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path, "client")


def as_client(certificate: Certificate, trusted: Certificate) -> list[str]:
    """storescu's options for TLS with a certificate of its own."""
    return ["+tls", str(certificate.key), str(certificate.certificate), "+cf", str(trusted.certificate)]


def test_instances_arrive_over_tls(box: Box, server: Certificate, client: Certificate, tmp_path: Path) -> None:
    _, port = box.receiver(tls_certificate=server.certificate, tls_key=server.key, tls_client_ca=client.certificate)
    sent = write_instances(ultrasound(256, 256), tmp_path / "exam", 3)
    outcome = store(port, [instance.path for instance in sent], *as_client(client, server))
    assert outcome.statuses == ["Success"] * 3, outcome.text
    assert len(box.instances()) == 3


def test_an_unknown_client_is_not_let_in(box: Box, server: Certificate, client: Certificate, tmp_path: Path) -> None:
    _, port = box.receiver(tls_certificate=server.certificate, tls_key=server.key, tls_client_ca=client.certificate)
    stranger = make_certificate(tmp_path, "stranger")
    outcome = run_program("echoscu", *as_client(stranger, server), "127.0.0.1", str(port))
    assert not outcome.succeeded


def test_a_peer_that_never_greets_holds_up_nobody(box: Box, server: Certificate) -> None:
    _, port = box.receiver(tls_certificate=server.certificate, tls_key=server.key)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        outcome = run_program("echoscu", "+tla", "+cf", str(server.certificate), "127.0.0.1", str(port))
        assert outcome.succeeded, outcome.text
    finally:
        for connection in silent:
            connection.close()


def test_a_peer_without_tls_is_turned_away_and_others_come_in(box: Box, server: Certificate) -> None:
    _, port = box.receiver(tls_certificate=server.certificate, tls_key=server.key)
    assert not run_program("echoscu", "127.0.0.1", str(port)).succeeded
    assert run_program("echoscu", "+tla", "+cf", str(server.certificate), "127.0.0.1", str(port)).succeeded


def test_a_key_that_does_not_match_is_reported_in_one_sentence(
    box: Box, server: Certificate, client: Certificate
) -> None:
    with pytest.raises(SettingsError, match="the key must match the certificate"):
        box.receiver(tls_certificate=server.certificate, tls_key=client.key)
