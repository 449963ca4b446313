"""The certificates of a box and when they end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from leapfrog.control.own_state.certificates import certificates
from leapfrog.settings import Settings
from support.certificates import make_certificate


def test_each_certificate_that_the_settings_name_is_told_with_its_end(tmp_path: Path) -> None:
    receiver = make_certificate(tmp_path, "receiver", ends_in=timedelta(days=5))
    client = make_certificate(tmp_path, "client", ends_in=timedelta(days=50))
    web = make_certificate(tmp_path, "web", ends_in=timedelta(days=500))
    settings = Settings.model_validate(
        {
            "dicom": {"tls_certificate": receiver.certificate, "tls_key": receiver.key},
            "district": {"client_certificate": client.certificate},
            "destination": [{"name": "province", "url": "https://p/d", "client_certificate": client.both}],
        }
    )
    found = {one.what: one.ends_at for one in certificates(settings, web.certificate)}
    days = {what: round((end - datetime.now(UTC)) / timedelta(days=1)) for what, end in found.items()}
    assert days == {
        "dicom.tls_certificate": 5,
        "district.client_certificate": 50,
        "province.client_certificate": 50,
        "web": 500,
    }


def test_of_a_chain_the_end_that_comes_first_counts(tmp_path: Path) -> None:
    own, issuer = (make_certificate(tmp_path, name, ends_in=timedelta(days=n)) for name, n in (("a", 90), ("b", 9)))
    chain = tmp_path / "chain.pem"
    chain.write_bytes(own.certificate.read_bytes() + issuer.certificate.read_bytes())
    (found,) = certificates(Settings(), chain)
    assert found.ends_at < datetime.now(UTC) + timedelta(days=10)


def test_what_is_missing_damaged_or_no_certificate_is_left_out(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    only_a_key = make_certificate(tmp_path, "key").key
    for path in (tmp_path / "none.pem", damaged, only_a_key, tmp_path):
        settings = Settings.model_validate({"district": {"client_certificate": path}})
        assert certificates(settings, tmp_path / "no-web.pem") == ()
