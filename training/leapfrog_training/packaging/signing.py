"""Makes signing keys, and signs packages with them.

Both keys are PEM files in OpenSSL's formats (the private one PKCS #8 without a password, the public one
SubjectPublicKeyInfo). `openssl genpkey -algorithm ed25519` makes a private key too; `leapfrog.packages.signature` shows
how to check a package with OpenSSL.
"""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from leapfrog.durable import fsync_directory, write_durably
from leapfrog.packages.manifest import MANIFEST_NAME
from leapfrog.packages.package import load_package
from leapfrog.packages.signature import SIGNATURE_NAME
from leapfrog_training.errors import SigningError

PRIVATE_KEY_NAME = "private-key.pem"
PUBLIC_KEY_NAME = "public-key.pem"
PRIVATE_MODE, PUBLIC_MODE = 0o600, 0o644


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Make a pair of keys in `folder`. Returns the files of the private key, readable by its owner only, and of the
    public key.

    Raises SigningError if one of the files already exists, so that a key that signed packages cannot be lost.
    """
    private_file, public_file = folder / PRIVATE_KEY_NAME, folder / PUBLIC_KEY_NAME
    if present := [str(file) for file in (private_file, public_file) if file.exists()]:
        raise SigningError(f"{' and '.join(present)} would be overwritten: give another folder as --out")
    key = Ed25519PrivateKey.generate()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(private_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), PRIVATE_MODE)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _write_new(public_file, public, PUBLIC_MODE)
        fsync_directory(folder)
    except OSError as problem:
        raise SigningError(f"the keys cannot be written to {folder}: {problem.strerror}") from problem
    return private_file, public_file


def read_private_key(file: Path) -> Ed25519PrivateKey:
    """The private key in `file`. Raises SigningError if it cannot sign packages."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as problem:
        raise SigningError(f"the key {file} cannot be read: {problem.strerror}") from problem
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: the key has a password
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(
            f"{file} is not an Ed25519 private key in PEM format without a password. `leapfrog-train keys` makes one"
        )
    return key


def sign_package(folder: Path, key: Ed25519PrivateKey) -> None:
    """Sign the package in `folder`, which must be complete: any later change makes the signature invalid.

    An earlier signature is replaced. Raises PackageError if the package does not match its manifest.
    """
    (folder / SIGNATURE_NAME).unlink(missing_ok=True)
    load_package(folder)
    signature = key.sign((folder / MANIFEST_NAME).read_bytes())
    write_durably(folder / SIGNATURE_NAME, signature + key.public_key().public_bytes_raw(), mode=0o644)
    load_package(folder)


def _write_new(file: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
