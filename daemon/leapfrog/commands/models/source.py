"""Where a package is installed from: a folder or a zip file, neither of which is trusted.

Only the files that the manifest lists are taken, each under its plain name, so no name in an archive decides where
something is written.
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
ENCRYPTED = 0x1  # of a member's flags (APPNOTE.TXT 4.4.4)

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class PackageSource:
    """An opened package. `sizes` are the bytes of each plain name that it has; `open` gives one of them to read."""

    title: str
    sizes: dict[str, int]
    open: Callable[[str], IO[bytes]]

    @cached_property
    def manifest(self) -> Manifest:
        """What the package says of itself. Raises PackageError."""
        if self.sizes[MANIFEST_NAME] > LARGEST_MANIFEST_BYTES:
            raise PackageError(f"{self.title} is no model package: its {MANIFEST_NAME} is too large.")
        with self.open(MANIFEST_NAME) as stream:
            return parse_manifest(stream.read(), self.title)

    @property
    def names(self) -> tuple[str, ...]:
        """The files that belong to the package."""
        signature = [SIGNATURE_NAME] if SIGNATURE_NAME in self.sizes else []
        return tuple(dict.fromkeys((*self.manifest.files, *signature, MANIFEST_NAME)))

    @property
    def byte_count(self) -> int:
        """What the package takes on the disk. Raises PackageError when it lacks a file or is too large for one."""
        if missing := [name for name in self.names if name not in self.sizes]:
            raise PackageError(f"{self.title} is not whole: it lacks {', '.join(missing)}. Get the package anew.")
        total = sum(self.sizes[name] for name in self.names)
        if total > LARGEST_PACKAGE_BYTES:
            raise PackageError(f"{self.title} is no model package: {total} bytes are too large for one.")
        return total

    def copy_into(self, folder: Path) -> None:
        """Copy the package's files into `folder`, durably, readable for everybody. Raises PackageError and OSError."""
        for name in self.names:
            with self.open(name) as stream, replacing(folder / name, FILE_MODE) as copy:
                shutil.copyfileobj(stream, copy)
                os.fchmod(copy.fileno(), FILE_MODE)  # whatever the umask of the person who installs
        fsync_directory(folder)
        fsync_directory(folder.parent)


@contextmanager
def opened_source(path: Path) -> Iterator[PackageSource]:
    """The package in the folder or zip file `path`. Raises UsageError for anything else, PackageError for one that
    holds no package or is damaged.
    """
    if path.is_dir():
        yield _of_folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        try:
            with _sought(lambda: zipfile.ZipFile(path)) as archive:
                yield _of_archive(path, archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
            raise PackageError(f"{path} is a damaged zip file ({problem}). Get the package anew.") from problem
    else:
        raise UsageError(f"{path} is neither a folder nor a zip file.")


def _of_folder(folder: Path) -> PackageSource:
    sizes = {file.name: file.stat().st_size for file in folder.iterdir() if file.is_file()}
    if MANIFEST_NAME not in sizes:
        raise PackageError(f"{folder} is no model package: it has no {MANIFEST_NAME}.")
    return PackageSource(str(folder), sizes, lambda name: (folder / name).open("rb"))


def _of_archive(path: Path, archive: zipfile.ZipFile) -> PackageSource:
    members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        inside = PurePosixPath(member.filename)
        if inside.is_absolute() or ".." in inside.parts or "\\" in member.filename:
            raise PackageError(f"{path} is not opened: it has a file that leads out of it ({member.filename!r}).")
    roots = [PurePosixPath(member.filename).parent for member in members if _is_manifest(member.filename)]
    if len(roots) != 1:
        raise PackageError(f"{path} must hold one model package, itself or as its only folder; it has {len(roots)}.")
    taken = {inside.name: member for member in members if (inside := PurePosixPath(member.filename)).parent == roots[0]}
    for member in taken.values():
        if member.compress_type not in PLAIN_METHODS or member.flag_bits & ENCRYPTED:
            raise PackageError(f"{path} is not opened: {member.filename} is encrypted or packed unusually.")
    sizes = {name: member.file_size for name, member in taken.items()}  # zipfile gives no more bytes than this
    return PackageSource(str(path), sizes, lambda name: _sought(lambda: archive.open(taken[name])))


def _sought(step: Callable[[], Opened]) -> Opened:
    """What `step` opens. Raises BadZipFile where a damaged offset sends it to a place before the file's beginning."""
    try:
        return step()
    except OSError as problem:
        raise zipfile.BadZipFile(str(problem)) from problem


def _is_manifest(name: str) -> bool:
    inside = PurePosixPath(name)
    return inside.name == MANIFEST_NAME and len(inside.parts) <= 2
