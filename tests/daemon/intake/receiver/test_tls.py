"""TLS files that are renewed, or end, while the box runs."""

import shutil
import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from leapfrog.errors import SettingsError
from leapfrog.intake.receiver.tls import REST_SECONDS, TlsFiles, tls_problems
from leapfrog.settings import DicomSettings
from support.certificates import Certificate, make_certificate
from support.dcmtk import run_program
from support.intake_box import Box
from support.waiting import wait_until

WEEK = timedelta(days=7)
LOOK = REST_SECONDS + 1


class Now:
    """Time that a test moves on."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def replace(installed: Certificate, new: Certificate) -> None:
    """What a person does who renews a certificate."""
    shutil.copyfile(new.certificate, installed.certificate)
    shutil.copyfile(new.key, installed.key)


def look(files: TlsFiles, now: Now) -> None:
    """Look until what lies there has rested for long enough."""
    for _ in range(2):
        now.seconds += LOOK
        files.look()


def settings(own: Certificate, authority: Certificate | None = None) -> DicomSettings:
    return DicomSettings(
        tls_certificate=own.certificate, tls_key=own.key, tls_client_ca=authority.certificate if authority else None
    )


def test_a_certificate_that_ends_within_30_days_is_told_with_what_to_do(tmp_path: Path) -> None:
    files = TlsFiles(settings(make_certificate(tmp_path, "own", ends_in=WEEK), make_certificate(tmp_path, "authority")))
    files.load()
    (problem,) = files.problems()
    assert f"This box's certificate {tmp_path / 'own.crt'} is valid only until 20" in problem.what
    assert "Put a new certificate and its key in the place of the files" in problem.remedy
    assert "without a restart" in problem.remedy


def test_an_authority_that_ends_is_told_too_and_one_that_has_ended(tmp_path: Path) -> None:
    own = make_certificate(tmp_path, "own", ends_in=-WEEK)
    found = tls_problems(settings(own, make_certificate(tmp_path, "authority", ends_in=WEEK)))
    assert [problem.what.partition(" 20")[0] for problem in found] == [
        f"This box's certificate {tmp_path / 'own.crt'} ended on",
        f'The certificate of the authority "CN=authority" in {tmp_path / "authority.crt"} is valid only until',
    ]
    assert "file of dicom.tls_client_ca" in found[1].remedy


def test_nothing_is_told_of_certificates_that_last(tmp_path: Path) -> None:
    assert tls_problems(settings(make_certificate(tmp_path, "own"), make_certificate(tmp_path, "authority"))) == ()
    assert tls_problems(DicomSettings()) == ()


def test_new_files_are_loaded_once_both_have_been_replaced(tmp_path: Path) -> None:
    now = Now()
    own = make_certificate(tmp_path, "own", ends_in=WEEK)
    files = TlsFiles(settings(own), now)
    files.load()
    before = files.context()
    look(files, now)
    assert files.context() is before, "nothing has changed"
    replace(own, make_certificate(tmp_path, "new"))
    now.seconds += LOOK
    files.look()
    assert files.context() is before, "it is not known yet whether that is all"
    now.seconds += LOOK
    files.look()
    assert files.context() is not before
    assert files.problems() == ()


@pytest.mark.parametrize("broken", ["garbage", "half", "missing", "another key", "empty"])
def test_new_files_that_cannot_be_used_leave_the_old_ones_in_use(tmp_path: Path, broken: str) -> None:
    now = Now()
    own, kept = make_certificate(tmp_path, "own"), make_certificate(tmp_path, "kept")
    replace(own, kept)
    files = TlsFiles(settings(own), now)
    files.load()
    before = files.context()
    _break(own, broken, tmp_path)
    look(files, now)
    assert files.context() is before
    (problem,) = files.problems()
    assert problem.what.startswith("The new TLS files cannot be used, so the old ones still are.")
    look(files, now)
    assert files.problems() == (problem,)
    replace(own, kept)
    look(files, now)
    assert files.problems() == ()
    assert files.context() is not before


def _break(own: Certificate, how: str, directory: Path) -> None:
    content = own.certificate.read_bytes()
    if how == "missing":
        own.certificate.unlink()
    elif how == "another key":
        shutil.copyfile(make_certificate(directory, "other").key, own.key)
    else:
        own.certificate.write_bytes({"garbage": b"no PEM", "half": content[: len(content) // 2], "empty": b""}[how])


def test_a_key_with_a_password_is_no_prompt_but_a_sentence(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    own = make_certificate(tmp_path, "own")
    key = serialization.load_pem_private_key(own.key.read_bytes(), None)
    own.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(SettingsError, match="the key is protected by a password"):
        TlsFiles(settings(own)).load()
    (problem,) = tls_problems(settings(own))
    assert problem.what.startswith("No image can be received.")


# ---------------------------------------------------------------- with a real receiver and real peers


def presented(port: int) -> bytes:
    """The certificate that the receiver shows to a new connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 15) as plain, context.wrap_socket(plain) as connection:
        return connection.getpeercert(binary_form=True) or b""


def test_a_renewed_certificate_is_shown_without_a_restart_and_open_connections_stay(box: Box, tmp_path: Path) -> None:
    own, new = make_certificate(tmp_path, "own"), make_certificate(tmp_path, "new")
    _, port = box.receiver(tls_certificate=own.certificate, tls_key=own.key)
    before = presented(port)
    replace(own, new)
    wait_until(lambda: presented(port) != before, "the new certificate is shown", poll_seconds=0.3)
    assert run_program("echoscu", "+tla", "+cf", str(new.certificate), "127.0.0.1", str(port)).succeeded


@pytest.mark.parametrize("peer", ["expired", "of another authority", "signed by itself", "without one"])
def test_who_has_no_good_certificate_is_not_let_in(box: Box, tmp_path: Path, peer: str) -> None:
    own, authority = make_certificate(tmp_path, "own"), make_certificate(tmp_path, "authority")
    stranger = make_certificate(tmp_path, "stranger")
    receiver, port = box.receiver(tls_certificate=own.certificate, tls_key=own.key, tls_client_ca=authority.certificate)
    certificates = {
        "good": make_certificate(tmp_path, "good", signed_by=authority),
        "expired": make_certificate(tmp_path, "expired", signed_by=authority, ends_in=-WEEK),
        "of another authority": make_certificate(tmp_path, "foreign", signed_by=stranger),
        "signed by itself": stranger,
    }

    def echoes(who: str) -> bool:
        shown = (
            ["+tls", str(certificates[who].key), str(certificates[who].certificate)]
            if who in certificates
            else ["+tla"]
        )
        return run_program("echoscu", *shown, "+cf", str(own.certificate), "127.0.0.1", str(port)).succeeded

    assert not echoes(peer)
    wait_until(receiver.problems, "the refusal is known")
    (problem,) = receiver.problems()
    assert not problem.in_worklist
    assert echoes("good")


@pytest.mark.parametrize(
    ("options", "is_served"),
    [
        ({"minimum_version": ssl.TLSVersion.TLSv1_3}, True),
        ({"maximum_version": ssl.TLSVersion.TLSv1_2}, True),
        ({"maximum_version": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES256-SHA384"}, False),  # CBC
        ({"maximum_version": ssl.TLSVersion.TLSv1_2, "ciphers": "AES128-GCM-SHA256:@SECLEVEL=0"}, False),  # no secrecy
    ],
)
def test_only_what_bcp_195_recommends_is_agreed_on(
    box: Box, tmp_path: Path, options: dict[str, object], is_served: bool
) -> None:
    own = make_certificate(tmp_path, "own")
    _, port = box.receiver(tls_certificate=own.certificate, tls_key=own.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in options.items():
        context.set_ciphers(str(value)) if name == "ciphers" else setattr(context, name, value)

    def agreed() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 15) as plain, context.wrap_socket(plain):
                return True
        except OSError:
            return False

    assert agreed() == is_served


@pytest.mark.parametrize(("profile", "is_served"), [("+py", True), ("+px", True), ("+pz", True), ("+pa", False)])
def test_each_profile_of_bcp_195_is_served_and_retired_ones_are_not(
    box: Box, tmp_path: Path, profile: str, is_served: bool
) -> None:
    own = make_certificate(tmp_path, "own")
    _, port = box.receiver(tls_certificate=own.certificate, tls_key=own.key)
    outcome = run_program("echoscu", profile, "+tla", "+cf", str(own.certificate), "127.0.0.1", str(port))
    assert outcome.succeeded == is_served, outcome.text
