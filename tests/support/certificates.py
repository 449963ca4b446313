"""Throw-away certificates for TLS tests, made by the openssl command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1 and its key, as PEM files; `both` holds the two in one."""

    certificate: Path
    key: Path
    both: Path


def make_certificate(directory: Path, name: str) -> Certificate:
    """Make one that is valid from now on for a day."""
    made = Certificate(directory / f"{name}.crt", directory / f"{name}.key", directory / f"{name}.pem")
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "1", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(made.key), "-out", str(made.certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    made.both.write_bytes(made.key.read_bytes() + made.certificate.read_bytes())
    return made
