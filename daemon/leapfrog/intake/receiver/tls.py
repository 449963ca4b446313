"""DICOM over TLS (PS3.15 Annex B, by BCP 195): the box's certificate, who is trusted, and until when.

The files are looked at again while the box runs, so that a certificate is renewed by replacing them. New ones count for
new connections; as long as they cannot be used, the old ones stay in use.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leapfrog.errors import SettingsError
from leapfrog.problem import Problem, Problems
from leapfrog.settings import DicomSettings

# Of TLS 1.2, what RFC 9325 recommends and PS3.15 B.11 asks for; those of TLS 1.3 are all of this kind.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
LOOK_SECONDS = 1.0
# Certificate and key are two files: both have been the same for so long before they are loaded.
REST_SECONDS = 2.0
WARNED_BEFORE = timedelta(days=30)

_log = logging.getLogger(__name__)

Versions = tuple[tuple[int, int, int] | None, ...]  # of each file: inode, size, time of the last change; None: missing


@dataclass(frozen=True)
class Ending:
    """A certificate of a file, by the name of its subject, and its end."""

    file: Path
    is_own: bool
    subject: str
    at: datetime

    def problem(self, now: datetime) -> Problem | None:
        """What to do, if it ends within 30 days or has ended."""
        if now < self.at - WARNED_BEFORE:
            return None
        day = f"{self.at:%Y-%m-%d}"
        has_ended = now >= self.at
        whose = (
            f"This box's certificate {self.file}"
            if self.is_own
            else f'The certificate of the authority "{self.subject}" in {self.file}'
        )
        what = f"{whose} {'ended' if has_ended else 'is valid only until'} {'on ' if has_ended else ''}{day}."
        return Problem(what=what, remedy=_renewal(is_own=self.is_own, has_ended=has_ended))


def _renewal(*, is_own: bool, has_ended: bool) -> str:
    if is_own:
        effect = "Machines that check it do not send any more." if has_ended else "After that, no machine may send."
        how = "Put a new certificate and its key in the place of the files of dicom.tls_certificate and dicom.tls_key"
    else:
        effect = (
            "Machines whose certificates it signed cannot send any more."
            if has_ended
            else "After that, machines whose certificates it signed cannot send."
        )
        how = "Put the authority's new certificate into the file of dicom.tls_client_ca"
    return f"{effect} {how}: they are used at once, without a restart. Also check that the box's clock is right."


class TlsFiles:
    """The files of [dicom] for TLS, if it is used. Any thread may call it, one calls `look`."""

    def __init__(self, settings: DicomSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is read before `load`."""
        self._settings = settings
        self._clock = clock
        self._problems = Problems()
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._endings: tuple[Ending, ...] = ()
        self._loaded: Versions = ()
        self._seen: Versions = ()
        self._seen_since = self._looked = 0.0

    def load(self) -> None:
        """Read them. Raises SettingsError when one is not usable."""
        versions = self._versions()
        context, endings = _context(self._settings), tuple(_endings(self._settings))
        with self._lock:
            self._context, self._endings = context, endings
        self._loaded = self._seen = versions

    def context(self) -> ssl.SSLContext | None:
        """For the next connection; None where TLS is not used."""
        with self._lock:
            return self._context

    def look(self) -> None:
        """Load them again if they were replaced, at most once a second. While they cannot be used, the old ones are."""
        now = self._clock()
        if self._settings.tls_certificate is None or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        versions = self._versions()
        if versions != self._seen:
            self._seen, self._seen_since = versions, now
        elif versions != self._loaded and now - self._seen_since >= REST_SECONDS:
            self._load_again(versions)

    def problems(self) -> tuple[Problem, ...]:
        """That new files cannot be used, and certificates that end within 30 days."""
        with self._lock:
            endings = self._endings
        return (*self._problems.current(), *_ending_problems(endings))

    def _load_again(self, versions: Versions) -> None:
        self._loaded = versions  # also if they cannot be used: then the next version is tried
        try:
            self.load()
        except SettingsError as problem:
            if self._problems.add("files", f"The new TLS files cannot be used, so the old ones still are. {problem}"):
                _log.error("The new TLS files cannot be used, so the old ones still are. %s", problem)
            return
        self._problems.clear("files")
        _log.info("The TLS files were replaced: new connections use them.")

    def _versions(self) -> Versions:
        return tuple(_version(path) for path in _files(self._settings))


def tls_problems(settings: DicomSettings) -> tuple[Problem, ...]:
    """What is wrong with the TLS files, for a command that asks no running box."""
    try:
        _context(settings)
        return _ending_problems(tuple(_endings(settings)))
    except SettingsError as problem:
        return (Problem(what=f"No image can be received. {problem}"),)


def _ending_problems(endings: tuple[Ending, ...]) -> tuple[Problem, ...]:
    now = datetime.now(UTC)
    return tuple(problem for ending in endings if (problem := ending.problem(now)))


def _files(settings: DicomSettings) -> Iterator[Path]:
    for path in (settings.tls_certificate, settings.tls_key, settings.tls_client_ca):
        if path is not None:
            yield path


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _context(settings: DicomSettings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_no_password)
        if settings.tls_client_ca is not None:
            context.load_verify_locations(settings.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as problem:
        raise _unusable(problem.strerror or str(problem)) from problem
    return context


def _no_password() -> str:
    """OpenSSL would ask for it at the terminal, and a service has none."""
    raise _unusable("the key is protected by a password")


def _unusable(why: str) -> SettingsError:
    return SettingsError(
        f"dicom.tls_certificate, tls_key or tls_client_ca cannot be used: {why}. Each must be a readable PEM file, and"
        " the key must match the certificate."
    )


def _endings(settings: DicomSettings) -> Iterator[Ending]:
    from cryptography import x509

    for path, is_own in ((settings.tls_certificate, True), (settings.tls_client_ca, False)):
        if path is None:
            continue
        try:
            certificates = x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as problem:
            raise _unusable(f"{path} has no certificate that can be read") from problem
        for certificate in certificates:
            subject = certificate.subject.rfc4514_string()
            yield Ending(
                path, is_own, "".join(c if c.isprintable() else "?" for c in subject), certificate.not_valid_after_utc
            )
