"""The district's door: a real nginx with `config/district/nginx.conf`, and no Orthanc behind it."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.certificates import Certificate, make_certificate
from support.nginx import nginx_program
from support.ports import free_port
from support.waiting import wait_until

CONFIG = Path(__file__).resolve().parents[2] / "config" / "district"
MAIN = """
daemon off;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/site.conf;
}}
"""


class DistrictNginx:
    """One that lets boxes in by certificates of an authority of its own; `boxes` is where their states are."""

    def __init__(self, directory: Path) -> None:
        """It does not run yet."""
        self.directory = directory
        etc, var = directory / "etc", directory / "var"
        self.boxes = var / "boxes"
        for folder in (etc / "tls", self.boxes):
            folder.mkdir(parents=True)
        self.authority = make_certificate(directory, "authority")
        server = make_certificate(directory, "server", signed_by=self.authority)
        shutil.copy(server.certificate, etc / "tls/server.pem")
        shutil.copy(server.key, etc / "tls/server.key")
        shutil.copy(self.authority.certificate, etc / "tls/authority.pem")
        (etc / "tls/revoked.pem").write_bytes(_nothing_revoked(self.authority))
        (etc / "orthancs.conf").write_text("server 127.0.0.1:9;\n")
        (etc / "passwords").touch()
        for name in ("proxy.conf", "readers.conf"):
            shutil.copy(CONFIG / name, etc / name)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        (directory / "site.conf").write_text(self._site(etc, var))
        (directory / "nginx.conf").write_text(MAIN.format(directory=directory))
        self._process: subprocess.Popen[bytes] | None = None

    def _site(self, etc: Path, var: Path) -> str:
        text = (CONFIG / "nginx.conf").read_text()
        words = {
            "@BOXES_PORT@": str(self.port), "@READERS_PORT@": str(free_port()), "@REQUESTS@": "50",
            "@CONNECTIONS@": "20", "@LARGEST@": "4g", "/etc/leapfrog-district": str(etc),
            "/var/lib/leapfrog-district": str(var), "/var/log/nginx": str(self.directory),
        }  # fmt: skip
        for word, value in words.items():
            text = text.replace(word, value)
        return re.sub(r"(?m)^\s*listen \[::\].*$", "", text)

    def box(self, name: str, *, ends_in: timedelta = timedelta(days=90)) -> Certificate:
        """The certificate of a box of that name."""
        return make_certificate(self.directory, name, ends_in=ends_in, signed_by=self.authority)

    def access(self, box: Certificate) -> dict[str, object]:
        """The keys of [district] with which a box comes in."""
        return {
            "ca_file": str(self.authority.certificate),
            "client_certificate": str(box.certificate),
            "client_key": str(box.key),
        }

    def __enter__(self) -> Self:
        program = nginx_program()
        assert program is not None
        self._process = subprocess.Popen(
            [program, "-c", str(self.directory / "nginx.conf"), "-p", str(self.directory)], stderr=subprocess.DEVNULL
        )
        try:
            wait_until(self._answers, "nginx answers", deadline_seconds=10)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _answers(self) -> bool:
        try:
            requests.get(self.url, timeout=2, verify=str(self.authority.certificate))
        except requests.RequestException:
            return False
        return True

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def _nothing_revoked(authority: Certificate) -> bytes:
    certificate = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    key = serialization.load_pem_private_key(authority.key.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    listed = x509.CertificateRevocationListBuilder().issuer_name(certificate.subject)
    listed = listed.last_update(now - timedelta(days=1)).next_update(now + timedelta(days=9))
    return listed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
