"""The station's own key: an Ed25519 key (RFC 8032) with which this box signs its reports, and what a person decided on
it.

    station/            in the state directory
      key.pem           the private key, which nobody but the daemon's user reads
      public.pem        the public key: by it the box knows that there was a key, when that is lost
      former/           public keys of before, each named by its id
      changed           there while nobody has asked for the public key of a key that was put in the place of another
      thresholds/       thresholds of this place, signed with it

It is made at the first start, or when a person first has the box sign something or asks for its public key, and travels
with a backup. The daemon makes none where there was one (`key_at_start.py`): one that was lost is not replaced without
a word.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leapfrog.durable import fsync_directory, write_durably
from leapfrog.errors import StorageError
from leapfrog.signed_summary.signing import key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

STATION_NAME = "station"  # in the state directory
KEY_NAME = "key.pem"
PUBLIC_NAME = "public.pem"
FORMER_NAME = "former"
CHANGED_NAME = "changed"
THRESHOLDS_NAME = "thresholds"
FOLDER_MODE, KEY_MODE = 0o750, 0o600


@dataclass(frozen=True)
class StationKey:
    """The key of one box."""

    private: "Ed25519PrivateKey"

    def sign(self, content: bytes) -> bytes:
        """The signature (64 bytes) over `content`."""
        return self.private.sign(content)

    @property
    def public_key(self) -> bytes:
        """The public key, raw (32 bytes)."""
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        """By what a sheet's code tells it."""
        return key_id(self.public_key)

    @property
    def public_pem(self) -> str:
        """The public key in PEM format, as others need it to check what this box signed."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def station_folder(state_dir: Path) -> Path:
    """Where the key and what it signed are kept."""
    return state_dir / STATION_NAME


def station_key_file(state_dir: Path) -> Path:
    """Where the private key is kept."""
    return station_folder(state_dir) / KEY_NAME


def existing_station_key(state_dir: Path) -> StationKey | None:
    """The key of this box; None if it has none yet. Raises StorageError when it cannot be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = station_key_file(state_dir)
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise StorageError(
            f"The station key {path} cannot be read: {problem.strerror}. Run this as root or as the daemon's user."
        ) from problem
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise StorageError(
            f"{path} is damaged: it is not an Ed25519 key. Restore it from a backup; or move it away and have a new key"
            " made (`leapfrog station key --new`): then set the thresholds of this place again."
        )
    return StationKey(private)


def station_key(state_dir: Path) -> StationKey:
    """The key of this box, made now if it has none, or lost it. Raises StorageError when it can be neither read nor
    kept.
    """
    if (existing := existing_station_key(state_dir)) is not None:
        return existing
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = Ed25519PrivateKey.generate()
    content = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = station_key_file(state_dir)
    try:
        make_station_folder(path.parent)
        write_durably(path, content, mode=KEY_MODE)
        own_as(path, state_dir)
    except OSError as problem:
        raise StorageError(f"The station key cannot be kept in {path}: {problem.strerror}.") from problem
    key = StationKey(made)
    keep_public_key(state_dir, key)
    return key


def public_key_file(state_dir: Path) -> Path:
    """Where the public key is kept."""
    return station_folder(state_dir) / PUBLIC_NAME


def keep_public_key(state_dir: Path, key: StationKey) -> None:
    """Keep the public key beside the private one. One of before that is there becomes a former one. Raises
    StorageError.
    """
    path = public_key_file(state_dir)
    try:
        if (before := _public_key_in(path)) == key.public_key:
            return
        if before is not None:
            former = path.parent / FORMER_NAME / f"{key_id(before)}.pem"
            make_station_folder(former.parent)
            write_durably(former, path.read_bytes())
            own_as(former, state_dir)
        write_durably(path, key.public_pem.encode("ascii"))
        own_as(path, state_dir)
    except OSError as problem:
        raise StorageError(f"The public key of this box cannot be kept in {path}: {problem.strerror}.") from problem


def was_public_key(state_dir: Path, key: str) -> bool:
    """Whether the public key with this id is kept as one of before: a new one was made in its place."""
    return (station_folder(state_dir) / FORMER_NAME / f"{key}.pem").exists()


def kept_public_key(state_dir: Path) -> bytes | None:
    """The public key (raw) that is kept beside the private one; None when there is none, or it cannot be read."""
    try:
        return _public_key_in(public_key_file(state_dir))
    except OSError:
        return None


def changed_mark(state_dir: Path) -> Path:
    """What is there as long as nobody has asked for the public key of a key that took the place of another."""
    return station_folder(state_dir) / CHANGED_NAME


def public_keys(state_dir: Path) -> tuple[bytes, ...]:
    """The public keys (raw) that this box has or had, its own first. What cannot be read is left out."""
    folder = station_folder(state_dir)
    try:
        files = (folder / PUBLIC_NAME, *sorted((folder / FORMER_NAME).glob("*.pem")))
        return tuple(key for file in files if (key := _public_key_in(file)) is not None)
    except OSError:
        return ()


def _public_key_in(path: Path) -> bytes | None:
    """The public key (raw) that is in `path`; None when there is none. Raises OSError when it cannot be read."""
    try:
        return public_key_of(path.read_bytes())
    except FileNotFoundError:
        return None


def public_key_of(pem: bytes) -> bytes | None:
    """The public key (raw) in a PEM file with this content; None when it has no Ed25519 key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


def make_station_folder(folder: Path) -> None:
    """Make a folder for what the station keeps for itself, owned as the one above it. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(mode=FOLDER_MODE, parents=True)
        own_as(folder, folder.parent)
        fsync_directory(folder.parent)


def own_as(path: Path, model: Path) -> None:
    """Give `path` the owner of `model`: what root makes for the daemon must be readable to the daemon's user."""
    if os.geteuid() == 0:
        owner = model.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
