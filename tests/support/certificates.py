"""Throw-away certificates for TLS tests."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LATE = timedelta(days=60)  # later than anybody warns of


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 and its key, as PEM files; `both` holds the two in one."""

    certificate: Path
    key: Path
    both: Path


def make_certificate(
    directory: Path, name: str, *, ends_in: timedelta = LATE, signed_by: Certificate | None = None
) -> Certificate:
    """Make one, signed by itself or by another's key, that has been valid for a while and ends in `ends_in`."""
    made = Certificate(directory / f"{name}.crt", directory / f"{name}.key", directory / f"{name}.pem")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = x509.load_pem_x509_certificate(signed_by.certificate.read_bytes()).subject if signed_by else subject
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + ends_in)
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(_key_of(signed_by) if signed_by else key, hashes.SHA256())
    )
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.both.write_bytes(made.key.read_bytes() + made.certificate.read_bytes())
    return made


def _key_of(signer: Certificate) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(signer.key.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
