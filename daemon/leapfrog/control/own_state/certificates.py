"""When the TLS certificates of this box end."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from leapfrog.fleet.box_state import Certificate
from leapfrog.settings import Settings
from leapfrog.settings.destinations import DISTRICT

WEB_CERTIFICATE = Path("/etc/leapfrog/web/certificate.pem")  # with which nginx shows the reports to tablets


def certificates(settings: Settings, web_certificate: Path = WEB_CERTIFICATE) -> tuple[Certificate, ...]:
    """Those that the settings name, and that of the web server if there is one, by the keys of the settings. What
    cannot be read is left out: whoever needs it says so.
    """
    return tuple(
        Certificate(what=what, ends_at=ends_at)
        for what, path in _named(settings, web_certificate)
        if (ends_at := _ends_at(path)) is not None
    )


def _named(settings: Settings, web_certificate: Path) -> Iterator[tuple[str, Path]]:
    if settings.dicom.tls_certificate is not None:
        yield "dicom.tls_certificate", settings.dicom.tls_certificate
    if settings.district.client_certificate is not None:  # also where only fleet.url uses it
        yield "district.client_certificate", settings.district.client_certificate
    for destination in settings.destinations:
        if destination.client_certificate is not None and destination.name != DISTRICT:
            yield f"{destination.name}.client_certificate", destination.client_certificate
    yield "web", web_certificate


def _ends_at(path: Path) -> datetime | None:
    """When the first certificate of a chain ends; None where there is none that can be read."""
    from cryptography import x509

    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return None
    return min(one.not_valid_after_utc for one in chain)
