"""The file of a backup: a tar archive whose last member lists every other with its SHA-256.

Without that list it is not whole. It holds patient data as the state directory does, so only its owner may read it.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, BinaryIO, Self

from pydantic import ValidationError

from leapfrog import __version__
from leapfrog.bundle_state import BUNDLES_NAME
from leapfrog.durable import PRIVATE, fsync_directory, fsync_file
from leapfrog.errors import StorageError
from leapfrog.exam import Frozen
from leapfrog.packages.catalogue import INSTALLED_NAME
from leapfrog.state.answer_files import ANSWERS_NAME
from leapfrog.state.rendered import RENDERED_NAME
from leapfrog.state.spool import SPOOL_NAME
from leapfrog.state.station.station_key import KEY_NAME, STATION_NAME

MANIFEST_NAME = "manifest.json"
LARGEST_MANIFEST_BYTES = 1 << 30
CHUNK_BYTES = 1 << 20
# What may be in an archive: nothing else is ever written to the state directory.
FOLDERS = (SPOOL_NAME, INSTALLED_NAME, BUNDLES_NAME, RENDERED_NAME, STATION_NAME, ANSWERS_NAME)
JOURNAL_MEMBER = "journal.sqlite"
SETTINGS_MEMBER = "leapfrog.toml"
FILES = (JOURNAL_MEMBER, SETTINGS_MEMBER)
PRIVATE_FILES = (JOURNAL_MEMBER, f"{STATION_NAME}/{KEY_NAME}")  # which nobody but the daemon's user may read


class Member(Frozen):
    """A file in the archive, by its name there."""

    byte_count: int
    sha256: str


class Manifest(Frozen):
    """The last member. `forgotten`: spool files that the journal names, but whose studies were forgotten meanwhile."""

    leapfrog: str
    created_at: str
    station: str
    members: dict[str, Member]
    forgotten: tuple[str, ...] = ()


class ArchiveWriter:
    """Writes an archive under a temporary name, which becomes its own once all of it is on the disk."""

    def __init__(self, path: Path) -> None:
        """Raises StorageError when `path` exists already or cannot be written."""
        if path.exists():
            raise StorageError(f"{path} exists already. Choose another name, so that no backup is lost.")
        self._path = path
        self._partial = path.with_name(f".{path.name}.part")
        self._members: dict[str, Member] = {}
        try:
            descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        except OSError as problem:
            raise StorageError(f"{path} cannot be written: {problem.strerror}.") from problem
        self._stream = os.fdopen(descriptor, "wb")
        self._tar = tarfile.TarFile.open(fileobj=self._stream, mode="w|", format=tarfile.PAX_FORMAT)

    def add(self, name: str, source: Path) -> int:
        """Add the file `source` as it is now. Returns its size. Raises OSError: of `source`, or of the disk."""
        with source.open("rb") as stream:
            info = tarfile.TarInfo(name)
            info.size, info.mode = os.fstat(stream.fileno()).st_size, PRIVATE
            digested = _Digested(stream)
            self._tar.addfile(info, digested)
        self._members[name] = Member(byte_count=info.size, sha256=digested.hexdigest())
        return info.size

    def finish(self, created_at: str, station: str, forgotten: tuple[str, ...]) -> None:
        """Write the list of members, and give the archive its name. Raises OSError."""
        manifest = Manifest(
            leapfrog=__version__, created_at=created_at, station=station, members=self._members, forgotten=forgotten
        )
        content = manifest.model_dump_json().encode()
        info = tarfile.TarInfo(MANIFEST_NAME)
        info.size, info.mode = len(content), PRIVATE
        self._tar.addfile(info, io.BytesIO(content))
        self._tar.close()
        self._stream.close()
        fsync_file(self._partial)
        self._partial.replace(self._path)
        fsync_directory(self._path.absolute().parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing of an archive that was not finished."""
        self._stream.close()
        self._partial.unlink(missing_ok=True)


class _Digested(io.RawIOBase):
    """A stream that takes the SHA-256 of what is read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._stream.read(size)
        self._digest.update(part)
        return part

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as problem:
        raise StorageError(f"{path} is no backup of Leapfrog, or not a whole one: {problem}.") from problem
    except OSError as problem:
        raise StorageError(f"{path} cannot be read: {problem.strerror}.") from problem


def verified(path: Path, on_bytes: Callable[[int], None] = lambda _count: None) -> Manifest:
    """Read the whole archive and compare every member with the list. `on_bytes` is told how many bytes were read.

    Raises StorageError when it is not whole, was altered, or holds anything that no backup holds.
    """
    found: dict[str, Member] = {}
    manifest: Manifest | None = None
    with _opened(path) as tar:
        for info in tar:
            stream = tar.extractfile(info) if info.isreg() else None
            if stream is None or manifest is not None:
                raise StorageError(f"{path} is no backup of Leapfrog: it holds {info.name!r}.")
            if info.name == MANIFEST_NAME and info.size <= LARGEST_MANIFEST_BYTES:
                manifest = _manifest(path, stream.read())
            else:
                target_of(info.name, path)
                found[info.name] = Member(byte_count=info.size, sha256=_sha256(stream, on_bytes))
    if manifest is None:
        raise StorageError(f"{path} is not whole: its end is missing. Copy it again from where it was made.")
    if wrong := [name for name, member in manifest.members.items() if found.get(name) != member]:
        raise StorageError(f"{path} is damaged: {len(wrong)} of its files are not as they were written.")
    if found.keys() != manifest.members.keys():
        raise StorageError(f"{path} was altered: it holds files that are not in its list.")
    return manifest


def extract(path: Path, directory: Path, on_bytes: Callable[[int], None] = lambda _count: None) -> None:
    """Write every member of the verified archive `path` below `directory`, durably. Raises StorageError."""
    folders: set[Path] = set()
    with _opened(path) as tar:
        for info in tar:
            stream = tar.extractfile(info)
            if stream is None or info.name == MANIFEST_NAME:
                continue
            target = directory / target_of(info.name, path)
            target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            folders.update((target.parent, *target.parent.parents))
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as written:
                os.fchmod(written.fileno(), PRIVATE if info.name in PRIVATE_FILES else 0o640)
                while chunk := stream.read(CHUNK_BYTES):
                    written.write(chunk)
                    on_bytes(len(chunk))
                written.flush()
                os.fsync(written.fileno())
    for folder in folders:
        if folder.is_relative_to(directory):
            fsync_directory(folder)


def member_content(path: Path, name: str) -> bytes | None:
    """The content of one small member; None when there is none. Raises StorageError when `path` is no archive."""
    with _opened(path) as tar:
        for info in tar:
            if info.name == name and info.isreg() and info.size <= CHUNK_BYTES:
                stream = tar.extractfile(info)
                return stream.read() if stream else None
    return None


def target_of(name: str, path: Path) -> Path:
    """Where the member `name` belongs, relative to the state directory. Raises StorageError for any other place."""
    parts = PurePosixPath(name).parts
    plain = bool(parts) and not any(part in ("..", ".", "/") or "\0" in part for part in parts)
    known = parts[:1] and parts[0] in (FILES if len(parts) == 1 else FOLDERS)
    if not plain or not known or "/".join(parts) != name:
        raise StorageError(f"{path} is no backup of Leapfrog: it holds {name!r}.")
    return Path(*parts)


def _manifest(path: Path, content: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as problem:
        raise StorageError(f"{path} has a list of files that this Leapfrog does not understand.") from problem


def _sha256(stream: IO[bytes], on_bytes: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
        on_bytes(len(chunk))
    return digest.hexdigest()
