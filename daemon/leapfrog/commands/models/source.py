"""Reads the package that is to be installed from a folder or a zip file, neither of which is trusted.

Only the files that the manifest lists are copied, each under its plain name, so no name in an archive decides where
a file is written. Nothing is read into memory beyond a limit, and no more is unpacked than what the archive states,
which is compared with the limits before.
"""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from leapfrog.durable import fsync_directory, replacing
from leapfrog.errors import PackageError, UsageError
from leapfrog.packages.manifest import MANIFEST_NAME, Manifest, parse_manifest
from leapfrog.packages.package import LARGEST_MANIFEST_BYTES
from leapfrog.packages.package_file import CHUNK_BYTES, LARGEST_FILE_BYTES, LARGEST_PACKAGE_BYTES, open_plain
from leapfrog.packages.plain_archive import MOST_ENTRIES, opened_member, plain_archive, plain_members, refuse_too_many
from leapfrog.packages.signature import SIGNATURE_NAME

FILE_MODE = 0o644


@dataclass(frozen=True)
class PackageSource:
    """An opened package. `sizes` has the bytes of each file by its plain name; `open` opens one for reading."""

    title: str
    sizes: dict[str, int]
    open: Callable[[str], IO[bytes]]

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest of the package. Raises PackageError when it is too large or not valid."""
        with self.open(MANIFEST_NAME) as stream:
            content = stream.read(LARGEST_MANIFEST_BYTES + 1)
        if max(len(content), self.sizes[MANIFEST_NAME]) > LARGEST_MANIFEST_BYTES:
            raise PackageError(f"{self.title} is not a model package: its {MANIFEST_NAME} is too large.")
        return parse_manifest(content, self.title)

    @property
    def names(self) -> tuple[str, ...]:
        """The files that belong to the package."""
        signature = [SIGNATURE_NAME] if SIGNATURE_NAME in self.sizes else []
        return tuple(dict.fromkeys((*self.manifest.files, *signature, MANIFEST_NAME)))

    @property
    def byte_count(self) -> int:
        """The bytes that the package takes on disk. Raises PackageError when a file is missing or it is too large."""
        if missing := [name for name in self.names if name not in self.sizes]:
            raise PackageError(
                f"{self.title} is incomplete: it lacks {', '.join(missing)}. Get a new copy of the package."
            )
        total = sum(self.sizes[name] for name in self.names)
        if total > LARGEST_PACKAGE_BYTES:
            raise PackageError(f"{self.title} is not a model package: with {total} bytes it is too large.")
        if large := next((name for name in self.names if self.sizes[name] > LARGEST_FILE_BYTES), None):
            raise PackageError(
                f"{self.title} is not a model package: {large} is too large, with {self.sizes[large]} bytes."
            )
        return total

    def copy_into(self, folder: Path) -> None:
        """Copy the package's files into `folder`, durably, readable by everybody. Raises PackageError, also for a file
        that is longer than it was said to be, and OSError.
        """
        for name in self.names:
            with self.open(name) as stream, replacing(folder / name, FILE_MODE) as copy:
                self._copy(name, stream, copy)
                os.fchmod(copy.fileno(), FILE_MODE)  # whatever the umask of the person who installs it
        fsync_directory(folder)
        fsync_directory(folder.parent)

    def _copy(self, name: str, stream: IO[bytes], copy: IO[bytes]) -> None:
        left = self.sizes[name]
        while part := stream.read(CHUNK_BYTES):
            left -= len(part)
            if left < 0:
                raise PackageError(f"{self.title} changed while it was being copied: {name} grew. Try again.")
            copy.write(part)


@contextmanager
def opened_source(path: Path) -> Iterator[PackageSource]:
    """The package in the folder or zip file `path`. Raises UsageError when `path` is neither, PackageError when it
    contains no package or is damaged.
    """
    if path.is_dir():
        yield _of_folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        with plain_archive(path) as archive:
            yield _of_archive(path, archive)
    else:
        raise UsageError(f"{path} is neither a folder nor a zip file.")


def _of_folder(folder: Path) -> PackageSource:
    with os.scandir(folder) as entries:
        found = list(islice(entries, MOST_ENTRIES + 1))
    refuse_too_many(str(folder), len(found))
    sizes = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in found if not entry.is_dir()}
    if MANIFEST_NAME not in sizes:
        raise PackageError(f"{folder} is not a model package: it has no {MANIFEST_NAME}.")
    return PackageSource(str(folder), sizes, lambda name: open_plain(folder, name))


def _of_archive(path: Path, archive: zipfile.ZipFile) -> PackageSource:
    members = plain_members(path, archive)
    members = [member for member in members if not member.is_dir()]
    roots = [PurePosixPath(member.filename).parent for member in members if _is_manifest(member.filename)]
    if len(roots) != 1:
        raise PackageError(
            f"{path} must contain one model package, at its top or in a folder there. It contains {len(roots)}."
        )
    files = {inside.name: member for member in members if (inside := PurePosixPath(member.filename)).parent == roots[0]}
    sizes = {name: member.file_size for name, member in files.items()}  # zipfile reads no more bytes than this
    return PackageSource(str(path), sizes, lambda name: opened_member(archive, files[name]))


def _is_manifest(name: str) -> bool:
    inside = PurePosixPath(name)
    return inside.name == MANIFEST_NAME and len(inside.parts) <= 2
