"""Reads the package that is to be installed from a folder or a zip file, neither of which is trusted.

Only the files that the manifest lists are copied, each under its plain name, so no name in an archive decides where
a file is written. Nothing is read into memory beyond a limit, and no more is unpacked than what the archive states,
which is compared with the limits before.
"""

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from leapfrog.durable import fsync_directory, replacing
from leapfrog.errors import PackageError, UsageError
from leapfrog.packages.manifest import MANIFEST_NAME, Manifest, parse_manifest
from leapfrog.packages.package import LARGEST_MANIFEST_BYTES
from leapfrog.packages.package_file import CHUNK_BYTES, LARGEST_FILE_BYTES, LARGEST_PACKAGE_BYTES, open_plain
from leapfrog.packages.signature import SIGNATURE_NAME

MOST_ENTRIES = 1000  # files of a folder or of an archive, with those that do not belong to the package
LONGEST_READ_BYTES = CHUNK_BYTES  # of an archive at once; zipfile asks for the whole list of its files in one read
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
        try:
            with _BoundedFile(path) as file, _opened(lambda: zipfile.ZipFile(file)) as archive:
                yield _of_archive(path, archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
            raise PackageError(f"{path} is a damaged zip file ({problem}). Get a new copy of the package.") from problem
    else:
        raise UsageError(f"{path} is neither a folder nor a zip file.")


class _BoundedFile(io.FileIO):
    """A file of which nobody reads more than LONGEST_READ_BYTES at once: zipfile reads what the file itself states,
    which may be gigabytes, before anybody can look at it.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        to_the_end = size is None or size < 0
        content = super().read(LONGEST_READ_BYTES + 1 if to_the_end else min(size or 0, LONGEST_READ_BYTES + 1)) or b""
        if len(content) > LONGEST_READ_BYTES:
            raise zipfile.BadZipFile("the list of its files is longer than that of any package")
        return content


def _of_folder(folder: Path) -> PackageSource:
    with os.scandir(folder) as entries:
        found = list(islice(entries, MOST_ENTRIES + 1))
    _refuse_too_many(str(folder), len(found))
    sizes = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in found if not entry.is_dir()}
    if MANIFEST_NAME not in sizes:
        raise PackageError(f"{folder} is not a model package: it has no {MANIFEST_NAME}.")
    return PackageSource(str(folder), sizes, lambda name: open_plain(folder, name))


def _of_archive(path: Path, archive: zipfile.ZipFile) -> PackageSource:
    members = archive.infolist()
    _refuse_too_many(str(path), len(members))
    for member in members:
        if refusal := _refusal(member):
            raise PackageError(f"{path} was not opened: {refusal} ({_shown(member)}).")
    if repeated := _first_repeated(members):
        raise PackageError(f"{path} was not opened: some disks take two of its names for one ({_shown(repeated)}).")
    members = [member for member in members if not member.is_dir()]
    roots = [PurePosixPath(member.filename).parent for member in members if _is_manifest(member.filename)]
    if len(roots) != 1:
        raise PackageError(
            f"{path} must contain one model package, at its top or in a folder there. It contains {len(roots)}."
        )
    files = {inside.name: member for member in members if (inside := PurePosixPath(member.filename)).parent == roots[0]}
    sizes = {name: member.file_size for name, member in files.items()}  # zipfile reads no more bytes than this
    return PackageSource(str(path), sizes, lambda name: _opened(lambda: archive.open(files[name])))


def _refuse_too_many(title: str, count: int) -> None:
    if count > MOST_ENTRIES:
        raise PackageError(f"{title} is not a model package: it holds more than {MOST_ENTRIES} files.")


def _refusal(member: zipfile.ZipInfo) -> str:
    """Why an archive with this member is not opened, "" if it may be."""
    inside, name = PurePosixPath(member.filename), member.filename
    if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
        return "a file in it leads outside the package"
    if not name.isprintable() or any(part.endswith((".", " ")) for part in inside.parts):
        return "some disks would give a file in it another name"
    kind = stat.S_IFMT(member.external_attr >> 16)  # of Unix, 0 where another system made it (APPNOTE.TXT 4.4.15)
    if kind not in (0, stat.S_IFDIR if member.is_dir() else stat.S_IFREG):
        return "there is a link or a device in it, and not only files"
    if member.compress_type not in PLAIN_METHODS or member.flag_bits & ENCRYPTED:
        return "a file in it is encrypted or compressed in an unusual way"
    return ""


def _first_repeated(members: Iterable[zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    """The first whose name was there before, in upper or lower case."""
    before: set[str] = set()
    for member in members:
        name = member.filename.rstrip("/").casefold()
        if name in before:
            return member
        before.add(name)
    return None


def _shown(member: zipfile.ZipInfo) -> str:
    """The member's name, fit for a terminal."""
    return ascii(member.filename[:100])


def _opened(step: Callable[[], Opened]) -> Opened:
    """What `step` opens. Raises BadZipFile when a damaged offset points to before the start of the file."""
    try:
        return step()
    except OSError as problem:
        raise zipfile.BadZipFile(str(problem)) from problem


def _is_manifest(name: str) -> bool:
    inside = PurePosixPath(name)
    return inside.name == MANIFEST_NAME and len(inside.parts) <= 2
