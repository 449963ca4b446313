"""Reads the package that is to be installed from a folder or a zip file, neither of which is trusted.

Only the files that the manifest lists are copied, each under its plain name, so no name in an archive decides where
a file is written.
"""

import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from leapfrog.durable import fsync_directory, replacing
from leapfrog.errors import PackageError, UsageError
from leapfrog.packages.manifest import MANIFEST_NAME, Manifest, parse_manifest
from leapfrog.packages.package import LARGEST_FILE_BYTES, LARGEST_MANIFEST_BYTES
from leapfrog.packages.signature import SIGNATURE_NAME

LARGEST_PACKAGE_BYTES = 2 * LARGEST_FILE_BYTES
FILE_MODE = 0o644
PLAIN_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
ENCRYPTED = 0x1  # this bit of a member's flags (APPNOTE.TXT 4.4.4)

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class PackageSource:
    """An opened package. `sizes` has the bytes of each file by its plain name; `open` opens one for reading."""

    title: str
    sizes: dict[str, int]
    open: Callable[[str], IO[bytes]]

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest of the package. Raises PackageError when it is too large or not valid."""
        if self.sizes[MANIFEST_NAME] > LARGEST_MANIFEST_BYTES:
            raise PackageError(f"{self.title} is not a model package: its {MANIFEST_NAME} is too large.")
        with self.open(MANIFEST_NAME) as stream:
            return parse_manifest(stream.read(), self.title)

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
        return total

    def copy_into(self, folder: Path) -> None:
        """Copy the package's files into `folder`, durably, readable by everybody. Raises PackageError and OSError."""
        for name in self.names:
            with self.open(name) as stream, replacing(folder / name, FILE_MODE) as copy:
                shutil.copyfileobj(stream, copy)
                os.fchmod(copy.fileno(), FILE_MODE)  # whatever the umask of the person who installs it
        fsync_directory(folder)
        fsync_directory(folder.parent)


@contextmanager
def opened_source(path: Path) -> Iterator[PackageSource]:
    """The package in the folder or zip file `path`. Raises UsageError when `path` is neither, PackageError when it
    contains no package or is damaged.
    """
    if path.is_dir():
        yield _of_folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        try:
            with _opened(lambda: zipfile.ZipFile(path)) as archive:
                yield _of_archive(path, archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
            raise PackageError(f"{path} is a damaged zip file ({problem}). Get a new copy of the package.") from problem
    else:
        raise UsageError(f"{path} is neither a folder nor a zip file.")


def _of_folder(folder: Path) -> PackageSource:
    sizes = {file.name: file.stat().st_size for file in folder.iterdir() if file.is_file()}
    if MANIFEST_NAME not in sizes:
        raise PackageError(f"{folder} is not a model package: it has no {MANIFEST_NAME}.")
    return PackageSource(str(folder), sizes, lambda name: (folder / name).open("rb"))


def _of_archive(path: Path, archive: zipfile.ZipFile) -> PackageSource:
    members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        inside = PurePosixPath(member.filename)
        if inside.is_absolute() or ".." in inside.parts or "\\" in member.filename:
            raise PackageError(f"{path} was not opened: a file in it leads outside the package ({member.filename!r}).")
    roots = [PurePosixPath(member.filename).parent for member in members if _is_manifest(member.filename)]
    if len(roots) != 1:
        raise PackageError(
            f"{path} must contain one model package, at its top or in a folder there. It contains {len(roots)}."
        )
    files = {inside.name: member for member in members if (inside := PurePosixPath(member.filename)).parent == roots[0]}
    for member in files.values():
        if member.compress_type not in PLAIN_METHODS or member.flag_bits & ENCRYPTED:
            raise PackageError(
                f"{path} was not opened: {member.filename} is encrypted or compressed in an unusual way."
            )
    sizes = {name: member.file_size for name, member in files.items()}  # zipfile reads no more bytes than this
    return PackageSource(str(path), sizes, lambda name: _opened(lambda: archive.open(files[name])))


def _opened(step: Callable[[], Opened]) -> Opened:
    """What `step` opens. Raises BadZipFile when a damaged offset points to before the start of the file."""
    try:
        return step()
    except OSError as problem:
        raise zipfile.BadZipFile(str(problem)) from problem


def _is_manifest(name: str) -> bool:
    inside = PurePosixPath(name)
    return inside.name == MANIFEST_NAME and len(inside.parts) <= 2
