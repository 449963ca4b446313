"""The district's key: what is written for the district alone is encrypted to it, and what the district says is signed
with it.

It is two keys in one. An X25519 key in the form of age (age-encryption.org/v1), to which boxes encrypt what they write
on a stick; and an Ed25519 key (RFC 8032), with which the district signs receipts and bundles. The secret half stays at
the district in one file; the public half is one line in the settings of each box:

    LEAPFROG-DISTRICT-1:age1...:<64 hexadecimal digits>
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from leapfrog.durable import write_durably
from leapfrog.errors import StorageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from pyrage.x25519 import Identity

PUBLIC_LINE = re.compile(r"LEAPFROG-DISTRICT-1:(?P<recipient>age1[02-9ac-hj-np-z]{58}):(?P<verify_key>[0-9a-f]{64})")
SECRET_LINES = re.compile(
    r"(?P<identity>AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58})\s+ED25519-SECRET-1:(?P<seed>[0-9a-f]{64})"
)
KEY_MODE = 0o600
LARGEST_KEY_FILE_BYTES = 4096


@dataclass(frozen=True)
class DistrictPublicKey:
    """What a box knows of its district's key: `recipient`, to which it encrypts (age1...), and `verify_key` (raw, 32
    bytes), by which it knows what the district signed.
    """

    recipient: str
    verify_key: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """The key in a line as `str` writes it. Raises ValueError for anything else."""
        match = PUBLIC_LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(
                "it must be the public key of a district: one line that begins with LEAPFROG-DISTRICT-1, as"
                " `leapfrog receive --public-key` prints it there"
            )
        return cls(match["recipient"], bytes.fromhex(match["verify_key"]))

    def __str__(self) -> str:
        return f"LEAPFROG-DISTRICT-1:{self.recipient}:{self.verify_key.hex()}"

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Whether the district signed `content` with `signature` (64 bytes)."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.verify_key).verify(signature, content)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class DistrictKey:
    """The secret key of a district, which only the district has."""

    identity: "Identity"  # decrypts
    private: "Ed25519PrivateKey"  # signs

    @property
    def public(self) -> DistrictPublicKey:
        """What boxes get to know of it."""
        return DistrictPublicKey(str(self.identity.to_public()), self.private.public_key().public_bytes_raw())

    def sign(self, content: bytes) -> bytes:
        """The signature (64 bytes) over `content`."""
        return self.private.sign(content)


def district_key(path: Path) -> DistrictKey:
    """The key in the file `path`, made now if there is no such file. Raises StorageError when it can be neither read
    nor kept, or is damaged: a key is never replaced without a word, since boxes encrypt to it.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from pyrage import IdentityError, x25519

    try:
        with path.open("rb") as file:
            match = SECRET_LINES.fullmatch(file.read(LARGEST_KEY_FILE_BYTES).decode("ascii", "replace").strip())
    except FileNotFoundError:
        return _made(path)
    except OSError as problem:
        raise StorageError(
            f"The district's key {path} cannot be read: {problem.strerror}. Run this as root."
        ) from problem
    with suppress(IdentityError):
        if match is not None:
            seed = bytes.fromhex(match["seed"])
            return DistrictKey(x25519.Identity.from_str(match["identity"]), Ed25519PrivateKey.from_private_bytes(seed))
    raise StorageError(
        f"{path} is damaged: it is not the key of a district. Bring it back from a backup: without it, what boxes wrote"
        " on sticks cannot be read."
    )


def _made(path: Path) -> DistrictKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from pyrage import x25519

    made = DistrictKey(x25519.Identity.generate(), Ed25519PrivateKey.generate())
    content = f"{made.identity}\nED25519-SECRET-1:{made.private.private_bytes_raw().hex()}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, content.encode("ascii"), mode=KEY_MODE)
    except OSError as problem:
        raise StorageError(
            f"The district's key cannot be kept in {path}: {problem.strerror}. Run this as root."
        ) from problem
    return made
