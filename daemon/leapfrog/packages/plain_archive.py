"""Opens a zip file that nobody trusts, such as a model package or a bundle.

Nothing in it decides where a file is written, names that some disks would change are refused, and so are links, devices
and what is encrypted. Nothing is read into memory beyond a limit.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from leapfrog.errors import PackageError
from leapfrog.packages.package_file import CHUNK_BYTES

MOST_ENTRIES = 1000  # files of a folder or of an archive, with those that do not belong to the package
LONGEST_READ_BYTES = CHUNK_BYTES  # of an archive at once; zipfile asks for the whole list of its files in one read
PLAIN_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# What zipfile raises over a file that is not as it should be, some of it by accident.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, struct.error)
ENCRYPTED = 0x1  # this bit of a member's flags (APPNOTE.TXT 4.4.4)

Opened = TypeVar("Opened")


@contextmanager
def plain_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip file `path`. Raises PackageError when it is damaged, also when that shows while it is read."""
    try:
        with _BoundedFile(path) as file, _opened(lambda: zipfile.ZipFile(file)) as archive:
            yield archive
    except DAMAGED as problem:
        raise PackageError(f"{path} is a damaged zip file ({problem}). Get a new copy of it.") from problem


def plain_members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """What is in it. Raises PackageError when anything is no plain file or folder below its top."""
    members = archive.infolist()
    refuse_too_many(str(path), len(members))
    for member in members:
        if refusal := _refusal(member):
            raise PackageError(f"{path} was not opened: {refusal} ({_shown(member)}).")
    if repeated := _first_repeated(members):
        raise PackageError(f"{path} was not opened: some disks take two of its names for one ({_shown(repeated)}).")
    return members


def opened_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """Open a file in it; no more is read than what the archive says of its size."""
    return _opened(lambda: archive.open(member))


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


def refuse_too_many(title: str, count: int) -> None:
    """Raise PackageError when a folder or archive holds more files than any that we made."""
    if count > MOST_ENTRIES:
        raise PackageError(f"{title} is not a model package: it holds more than {MOST_ENTRIES} files.")


def _refusal(member: zipfile.ZipInfo) -> str:
    """Why an archive with this member is not opened, "" if it may be."""
    inside, name = PurePosixPath(member.filename), member.filename
    if not name:  # of which zipfile cannot even say whether it is a folder
        return "a file in it has no name"
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
