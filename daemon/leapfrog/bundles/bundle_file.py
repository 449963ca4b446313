"""The file of a bundle: a zip archive whose list of files the district has signed.

    leapfrog-bundle-7    empty. The first name in the file, so that a box sees after a few bytes whether it is newer
    bundle.json          number and list: each file with its size and SHA-256
    bundle.sig           64 bytes: the district's Ed25519 signature over "LFBUNDLE1\\n" and the bytes of bundle.json
    settings.toml        settings for all boxes, perhaps
    models/NAME_VERSION/ model packages, perhaps

Whatever is in it was written by a stranger until the signature says otherwise, and no name in it decides where anything
is written. It holds no programs, and nothing of it is ever run: settings are values from a list, models are data that
the engine host reads.
"""

import hashlib
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from leapfrog.bundle_state import FOLDER_MODE, LARGEST_NUMBER, MODELS_NAME, SETTINGS_NAME
from leapfrog.district_key import DistrictPublicKey
from leapfrog.durable import fsync_directory, replacing
from leapfrog.errors import BundleError, PackageError
from leapfrog.packages.catalogue import FOLDER_SEPARATOR
from leapfrog.packages.manifest import PLAIN_NAME
from leapfrog.packages.package_file import CHUNK_BYTES, LARGEST_FILE_BYTES
from leapfrog.packages.plain_archive import MOST_ENTRIES, opened_member, plain_archive, plain_members
from leapfrog.packages.version import is_version

LIST_NAME, SIGNATURE_NAME = "bundle.json", "bundle.sig"
SIGNED_AS = b"LFBUNDLE1\n"
SIGNATURE_BYTES = 64
LARGEST_LIST_BYTES = 256 * 1024
LARGEST_SETTINGS_BYTES = 256 * 1024
LARGEST_BUNDLE_BYTES = 1024**3  # of the archive, and of what is in it
FILE_MODE = 0o644
LABEL = "leapfrog-bundle-{number}"
LABEL_WRITTEN = re.compile(rb"leapfrog-bundle-([1-9][0-9]{0,8})")
LOCAL_HEADER_BYTES = 30  # of a zip archive's first file, before its name (APPNOTE.TXT 4.3.7)
LABEL_BYTES = LOCAL_HEADER_BYTES + 32  # of a bundle's beginning, in which its number stands
PACKAGE_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class BundledFile(BaseModel):
    """One file of a bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    byte_count: int = Field(ge=0, le=LARGEST_FILE_BYTES)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BundleList(BaseModel):
    """`bundle.json`. `files` has everything but itself and its signature, by its path in the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    number: int = Field(ge=1, le=LARGEST_NUMBER)
    made_at: str = Field(max_length=64)
    files: dict[str, BundledFile]

    @field_validator("files")
    @classmethod
    def _has_only_what_bundles_have(cls, files: dict[str, BundledFile]) -> dict[str, BundledFile]:
        if len(files) > MOST_ENTRIES:
            raise ValueError(f"a bundle has {MOST_ENTRIES} files at most")
        if strange := [name for name in files if not _is_known(name)]:
            raise ValueError(f"a bundle has no file {strange[0][:100]!a}")
        if sum(file.byte_count for file in files.values()) > LARGEST_BUNDLE_BYTES:
            raise ValueError("it is larger than any bundle")
        if SETTINGS_NAME in files and files[SETTINGS_NAME].byte_count > LARGEST_SETTINGS_BYTES:
            raise ValueError(f"{SETTINGS_NAME} is larger than any settings file")
        return files

    @property
    def byte_count(self) -> int:
        """The bytes of all its files."""
        return sum(file.byte_count for file in self.files.values())

    @property
    def package_folders(self) -> tuple[str, ...]:
        """The names of the folders of its model packages."""
        folders = (name.split("/")[1] for name in self.files if name.startswith(f"{MODELS_NAME}/"))
        return tuple(dict.fromkeys(folders))


def _is_known(name: str) -> bool:
    if name == SETTINGS_NAME:
        return True
    parts = name.split("/")
    if len(parts) != 3 or parts[0] != MODELS_NAME or not PLAIN_NAME.fullmatch(parts[2]):
        return False
    package, _, version = parts[1].partition(FOLDER_SEPARATOR)
    return PACKAGE_FOLDER.fullmatch(package) is not None and len(version) <= 32 and is_version(version)


@dataclass(frozen=True)
class OpenedBundle:
    """A bundle whose list the district has signed; its files are compared with that list when they are read."""

    path: Path
    listed: BundleList
    _archive: zipfile.ZipFile
    _members: Mapping[str, zipfile.ZipInfo]

    @property
    def number(self) -> int:
        """Which one it is; a higher number is newer."""
        return self.listed.number

    def check(self) -> None:
        """Read all of it and compare. Raises BundleError."""
        for name in self.listed.files:
            for _ in self._content(name):
                pass

    def unpack_into(self, folder: Path) -> None:
        """Write its files below the new folder `folder`, durably. Raises BundleError when one is not as it was signed,
        OSError when the disk fails.
        """
        folders = [folder / MODELS_NAME, *(folder / MODELS_NAME / name for name in self.listed.package_folders)]
        for made in folders:
            made.mkdir()
            made.chmod(FOLDER_MODE)
        for name in self.listed.files:
            with replacing(folder.joinpath(*name.split("/")), FILE_MODE) as stream:
                for part in self._content(name):
                    stream.write(part)
        for made in (*folders, folder):
            fsync_directory(made)

    def _content(self, name: str) -> Iterator[bytes]:
        expected, digest, count = self.listed.files[name], hashlib.sha256(), 0
        with opened_member(self._archive, self._members[name]) as stream:
            while part := stream.read(CHUNK_BYTES):
                count += len(part)
                if count > expected.byte_count:
                    break
                digest.update(part)
                yield part
        if count != expected.byte_count or digest.hexdigest() != expected.sha256:
            raise BundleError(f"{self.path} is damaged: {name} in it is not what the district signed. Get a new copy.")


@contextmanager
def opened_bundle(path: Path, key: DistrictPublicKey) -> Iterator[OpenedBundle]:
    """The bundle in the file `path`. Raises BundleError when it is none, is damaged, or was not signed with `key`."""
    try:
        if path.stat().st_size > LARGEST_BUNDLE_BYTES:
            raise BundleError(f"{path} is no bundle: it is larger than any.")
        with plain_archive(path) as archive:
            yield _opened(path, archive, key)
    except PackageError as problem:
        raise BundleError(str(problem)) from problem
    except OSError as problem:
        if problem.filename not in (path, str(path)):
            raise
        raise BundleError(f"{path} cannot be read: {problem.strerror}.") from problem


def _opened(path: Path, archive: zipfile.ZipFile, key: DistrictPublicKey) -> OpenedBundle:
    members = {member.filename: member for member in plain_members(path, archive) if not member.is_dir()}
    content = _small(path, archive, members, LIST_NAME, LARGEST_LIST_BYTES)
    signature = _small(path, archive, members, SIGNATURE_NAME, SIGNATURE_BYTES)
    if len(signature) != SIGNATURE_BYTES or not key.signed(SIGNED_AS + content, signature):
        raise BundleError(
            f"{path} was not signed by the district that this box knows (district.public_key). Nothing of it is used."
        )
    try:
        listed = BundleList.model_validate_json(content)
    except ValidationError as problem:
        (first, *_) = problem.errors(include_url=False, include_input=False)
        raise BundleError(
            f"{path} cannot be used by this version of Leapfrog: {first['msg'].removeprefix('Value error, ')}."
        ) from problem
    label = LABEL.format(number=listed.number)
    if members.keys() - {LIST_NAME, SIGNATURE_NAME, label} != listed.files.keys():
        raise BundleError(f"{path} was altered: it does not hold exactly the files that the district signed.")
    for name, file in listed.files.items():
        if members[name].file_size != file.byte_count:
            raise BundleError(f"{path} is damaged: {name} in it is not what the district signed. Get a new copy.")
    return OpenedBundle(path, listed, archive, members)


def _small(path: Path, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], name: str, most: int) -> bytes:
    if name not in members or members[name].file_size > most:
        raise BundleError(f"{path} is no bundle of a district: it has no {name}. `leapfrog bundle make` makes one.")
    with opened_member(archive, members[name]) as stream:
        return stream.read(most)


def number_in_label(beginning: bytes) -> int | None:
    """The number of a bundle whose file begins so; None when nothing says it. Nobody has signed that: it only spares
    the link a bundle that would be refused.
    """
    if len(beginning) < LABEL_BYTES or not beginning.startswith(b"PK\x03\x04"):
        return None
    (length,) = struct.unpack_from("<H", beginning, LOCAL_HEADER_BYTES - 4)
    match = LABEL_WRITTEN.fullmatch(beginning[LOCAL_HEADER_BYTES : LOCAL_HEADER_BYTES + length])
    return int(match[1]) if match else None
