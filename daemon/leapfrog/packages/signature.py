"""The signature of a model package, and whose signatures this box trusts.

`model.toml.sig` holds 96 bytes: an Ed25519 signature (RFC 8032) over the exact bytes of `model.toml`, then the signer's
public key. The key is included to tell an altered manifest (the signature does not match its own key) from one that
somebody else signed; it is trusted only if the settings name it. Since the manifest holds the SHA-256 of every other
file, the signature covers the whole package. OpenSSL 3 can check it too, with the signer's key:

    head -c 64 model.toml.sig > /tmp/signature
    openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in model.toml -sigfile /tmp/signature
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from leapfrog.errors import SettingsError

SIGNATURE_NAME = "model.toml.sig"
SIGNATURE_BYTES = 64
PUBLIC_KEY_BYTES = 32
SIGNATURE_FILE_BYTES = SIGNATURE_BYTES + PUBLIC_KEY_BYTES
LARGEST_KEY_FILE_BYTES = 16 * 1024  # a PEM file with one key has a few hundred bytes

SignatureState = Literal["none", "trusted", "unknown key", "bad"]


@dataclass(frozen=True)
class SignaturePolicy:
    """Which signatures are accepted. `trusted_keys` are raw Ed25519 public keys in hexadecimal."""

    trusted_keys: tuple[str, ...] = ()
    required: bool = False

    def state(self, manifest: bytes, signature: bytes | None) -> SignatureState:
        """The state of `signature`, the content of `model.toml.sig`, or None if there is no such file.

        "bad" means that it does not match `manifest`, or is not a signature at all.
        """
        if signature is None:
            return "none"
        public_key = signature[SIGNATURE_BYTES:]
        if len(signature) != SIGNATURE_FILE_BYTES or not _matches(manifest, signature[:SIGNATURE_BYTES], public_key):
            return "bad"
        return "trusted" if public_key.hex() in self.trusted_keys else "unknown key"

    def refusal(self, state: SignatureState) -> str:
        """Why a package with this signature state is not loaded, as the end of a sentence; empty if it is loaded."""
        if state == "bad":
            return f"{SIGNATURE_NAME} does not match model.toml: one of them was altered. Get a fresh copy"
        if not self.required or state == "trusted":
            return ""
        if state == "none":
            return "it is not signed, and models.require_signature is true"
        return "it was signed with a key that is not in models.trusted_keys, and models.require_signature is true"


def _matches(content: bytes, signature: bytes, public_key: bytes) -> bool:
    # Imported only if there is something to check: the shipped packages are not signed, and a reader must start fast.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def signature_policy(key_files: Iterable[Path], required: bool) -> SignaturePolicy:
    """The policy that trusts the public keys in `key_files` (PEM). Raises SettingsError, naming the file at fault."""
    return SignaturePolicy(tuple(_public_key(file).hex() for file in key_files), required)


def _public_key(file: Path) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        with file.open("rb") as stream:
            key = load_pem_public_key(stream.read(LARGEST_KEY_FILE_BYTES))
    except OSError as problem:
        raise SettingsError(f"models.trusted_keys: {file} cannot be read: {problem.strerror}.") from problem
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(
            f"models.trusted_keys: {file} is not an Ed25519 public key in PEM format. `leapfrog-train keys` makes one."
        )
    return key.public_bytes_raw()
