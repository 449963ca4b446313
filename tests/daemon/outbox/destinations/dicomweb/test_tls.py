"""TLS with a real Orthanc: trusted sides get through, and everything else ends with a helpful message."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from leapfrog.outbox.outbox import Outbox
from support.certificates import Certificate, make_certificate
from support.orthanc import Orthanc
from support.outbox_box import Box
from support.recording_proxy import RecordingProxy
from support.waiting import wait_until

SERVER, CLIENT, STRANGER = "server", "client", "stranger"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    directory = tmp_path_factory.mktemp("certificates")
    return {name: make_certificate(directory, name) for name in (SERVER, CLIENT, STRANGER)}


@pytest.fixture
def guarded(orthanc: Orthanc, certificates: dict[str, Certificate]) -> Iterator[RecordingProxy]:
    """An Orthanc behind TLS that lets in only the client that it knows; Debian 12's own TLS ends in a crash."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates[SERVER].certificate, certificates[SERVER].key)
    context.load_verify_locations(certificates[CLIENT].certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with RecordingProxy(orthanc.dicomweb_url, context) as proxy:
        yield proxy


def _wait_for_error(sender: Outbox, words: str) -> None:
    wait_until(lambda: words in sender.state().last_error, f"an error with the words {words!r}")


def test_both_sides_know_each_other_by_certificate(
    box: Box, orthanc: Orthanc, guarded: RecordingProxy, certificates: dict[str, Certificate]
) -> None:
    uids = [box.owe(200_000) for _ in range(3)]
    client = certificates[CLIENT]
    sender = box.sender(
        guarded.url,
        ca_file=certificates[SERVER].certificate,
        client_certificate=client.certificate,
        client_key=client.key,
    )
    sender.start()
    box.wait_for(confirmed=3)
    assert [orthanc.held()[uid] for uid in uids] == [1, 1, 1]
    assert guarded.posts.total() == 3


def test_a_server_that_is_not_trusted_gets_nothing_and_the_reason_names_the_clock(
    box: Box, guarded: RecordingProxy, certificates: dict[str, Certificate]
) -> None:
    box.owe()
    sender = box.sender(guarded.url, ca_file=certificates[STRANGER].certificate)
    sender.start()
    _wait_for_error(sender, "is not trusted")
    assert "Check the clock and district.ca_file" in sender.state().last_error
    assert box.count("waiting") == 1


def test_a_client_that_the_server_does_not_know_is_told_to_check_its_certificate(
    box: Box, guarded: RecordingProxy, certificates: dict[str, Certificate]
) -> None:
    box.owe()
    sender = box.sender(
        guarded.url,
        ca_file=certificates[SERVER].certificate,
        client_certificate=certificates[STRANGER].both,
    )
    sender.start()
    wait_until(lambda: sender.state().link == "down", "the link is down")
    assert box.count("waiting") == 1


def test_a_tls_file_that_is_not_there_or_no_certificate_locks_the_outbox(
    box: Box, guarded: RecordingProxy, tmp_path: Path
) -> None:
    box.owe()
    ca_file = tmp_path / "ca.pem"
    sender = box.sender(guarded.url, ca_file=ca_file)
    sender.start()
    wait_until(lambda: sender.state().link == "locked", "the link is locked")
    assert "district.ca_file" in sender.state().explanation
    ca_file.write_text("no certificate")
    _wait_for_error(sender, "district.url, ca_file")
    assert box.count("waiting") == 1


def test_a_server_without_tls_under_https_is_reported_as_such(box: Box, proxy: RecordingProxy) -> None:
    box.owe()
    sender = box.sender(proxy.url.replace("http://", "https://"))
    sender.start()
    _wait_for_error(sender, "No secure connection")
