"""The credentials with which the box logs in to the district server."""

from base64 import b64encode
from pathlib import Path

from leapfrog.errors import DistrictLocked
from leapfrog.settings import DestinationSettings


def authorization(settings: DestinationSettings) -> str | None:
    """The Authorization header (RFC 7617, RFC 6750). The files are read every time, so that a corrected one is used at
    once.

    None when the settings contain no credentials. Raises DistrictLocked when one of the files cannot be used.
    """
    if settings.token_file is not None:
        return f"Bearer {_secret(settings.token_file, 'token_file')}"
    if settings.username:
        password = _secret(settings.password_file, "password_file") if settings.password_file else ""
        return "Basic " + b64encode(f"{settings.username}:{password}".encode()).decode("ascii")
    return None


def require_tls_files(settings: DestinationSettings) -> None:
    """Raise DistrictLocked when a file that TLS needs does not exist."""
    for key in ("ca_file", "client_certificate", "client_key"):
        path: Path | None = getattr(settings, key)
        if path is not None and not path.exists():
            raise DistrictLocked(f"district.{key} is {path}, which does not exist: put the file there.")


def _secret(path: Path, key: str) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as problem:
        raise DistrictLocked(f"district.{key} {path} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise DistrictLocked(f"district.{key} {path} is not UTF-8 text.") from problem
    if not secret or "\n" in secret or "\r" in secret or (key == "token_file" and not secret.isascii()):
        raise DistrictLocked(f"district.{key} {path} must contain the secret on a single line.")
    return secret
