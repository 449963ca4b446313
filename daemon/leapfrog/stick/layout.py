"""Where what lies on a stick, and how a file gets there whole.

    leapfrog/                       below the stick's root
      parcels/<export id>-<n>.age   part n of what one run of `leapfrog export` wrote; what does not fit into one file
                                    goes on in <export id>-<n>.2.age and so on, each a piece of one age file
      receipts/<export id>-<n>.json what the district says of that part
      bundles/*.zip                 settings and models from the district

The names are those that FAT takes. A file is written under a name that ends in ".part", made durable, and renamed: what
has its own name is whole, unless the stick fails. Nothing on a stick is trusted by its name, and no link is followed.
"""

import fcntl
import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from leapfrog.durable import fsync_directory
from leapfrog.errors import StickError
from leapfrog.plain_file import NotPlain, opened
from leapfrog.stick.trouble import CANNOT_BE_DONE, speaking_of, stick_error

FOLDER_NAME = "leapfrog"
Kind = Literal["parcels", "receipts", "bundles"]
UNFINISHED = ".part"
# FAT takes 4 GiB less one byte in a file; many pieces of 1 GiB are also easier on whoever copies a stick.
LARGEST_FILE_BYTES = 1 << 30
MOST_FILES = 100_000  # in one folder of a stick that are looked at
CHUNK_BYTES = 1 << 20
FILE_MODE, FOLDER_MODE = 0o640, 0o750

PARCEL_NAME = re.compile(
    r"(?P<export_id>[0-9a-f]{32})-(?P<part>[1-9][0-9]{0,5})(\.(?P<volume>[2-9]|[1-9][0-9]{1,3}))?\.age"
)
RECEIPT_NAME = re.compile(r"(?P<export_id>[0-9a-f]{32})-(?P<part>[1-9][0-9]{0,5})\.json")
BUNDLE_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,59}\.zip")


@dataclass(frozen=True, order=True)
class PartName:
    """Part `part` (1, 2, ...) of the export `export_id` (32 hexadecimal digits)."""

    export_id: str
    part: int

    def volume(self, number: int) -> str:
        """The name of the file with its piece `number` (1, 2, ...)."""
        return f"{self.export_id}-{self.part}.age" if number == 1 else f"{self.export_id}-{self.part}.{number}.age"

    @property
    def receipt(self) -> str:
        """The name of the receipt for it."""
        return f"{self.export_id}-{self.part}.json"


class Stick:
    """What is on the stick that is mounted at `root`, which may also be any folder. Every method raises StickError when
    the stick cannot be read or written, StickFull when it is full.
    """

    def __init__(self, root: Path, largest_file_bytes: int = LARGEST_FILE_BYTES) -> None:
        """Nothing is touched yet."""
        self.root = root
        self._largest_file_bytes = largest_file_bytes

    def folder(self, kind: Kind) -> Path:
        """Where files of that kind lie; it need not be there."""
        return self.root / FOLDER_NAME / kind

    def make_folder(self, kind: Kind) -> Path:
        """The same, made if it is not there."""
        with speaking_of(self.root):
            if not self.root.is_dir():
                raise NotADirectoryError(20, "Not a directory", str(self.root))
            for folder in (self.root / FOLDER_NAME, self.folder(kind)):
                with suppress(FileExistsError):
                    folder.mkdir(FOLDER_MODE)
                    _fsync_folder(folder.parent)
                self._require_folder(folder)
        return self.folder(kind)

    def _require_folder(self, folder: Path) -> None:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise StickError(
                f"{folder} is no folder: somebody put something else there. Remove it, or use another stick."
            )

    def room(self) -> tuple[int, int]:
        """How many bytes are free, and how many there are in all."""
        with speaking_of(self.root):
            found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    # ------------------------------------------------------------ what is there

    def parts(self) -> list[PartName]:
        """The parts that are there whole, as far as names tell, by export and number."""
        found = (PARCEL_NAME.fullmatch(name) for name in self._names("parcels"))
        return sorted(PartName(one["export_id"], int(one["part"])) for one in found if one and not one["volume"])

    def receipts(self) -> list[Path]:
        """The files that may be receipts."""
        return [self.folder("receipts") / name for name in self._names("receipts") if RECEIPT_NAME.fullmatch(name)]

    @staticmethod
    def part_of(receipt: Path) -> PartName:
        """For which part that file of `receipts()` says to be."""
        match = RECEIPT_NAME.fullmatch(receipt.name)
        if match is None:
            raise ValueError(f"{receipt.name} is no name of a receipt")
        return PartName(match["export_id"], int(match["part"]))

    def bundles(self) -> list[Path]:
        """The files that may be bundles."""
        return [self.folder("bundles") / name for name in self._names("bundles") if BUNDLE_NAME.fullmatch(name)]

    def _names(self, kind: Kind) -> list[str]:
        found: list[str] = []
        folder = self.folder(kind)
        with speaking_of(self.root):
            self.root.lstat()
            try:
                for above in (folder.parent, folder):
                    self._require_folder(above)
                with os.scandir(folder) as entries:
                    for entry in entries:
                        found.append(entry.name)
                        if len(found) > MOST_FILES:
                            raise StickError(f"{folder} has more than {MOST_FILES:,} files: that is no stick of ours.")
            except FileNotFoundError:
                return []
        return sorted(found)

    def volumes(self, part: PartName) -> list[Path]:
        """The files of a part, in order."""
        folder, found = self.folder("parcels"), list[Path]()
        with speaking_of(self.root):
            while (path := folder / part.volume(len(found) + 1)) and os.path.lexists(path):
                found.append(path)
        return found

    @contextmanager
    def reading(self, part: PartName) -> Iterator[BinaryIO]:
        """The bytes of a part, as one stream. Raises StickError, also later than at the start."""
        with speaking_of(self.root), ExitStack() as files:
            try:
                found = [
                    files.enter_context(opened(path, self._largest_file_bytes, follow=False))
                    for path in self.volumes(part)
                ]
            except NotPlain:
                raise StickError(f"{part.volume(1)} on the stick {self.root} is not what a box wrote.") from None
            yield io.BufferedReader(_Joined(found), CHUNK_BYTES)

    # ------------------------------------------------------------ what is put there

    @contextmanager
    def alone(self) -> Iterator[None]:
        """As the only one of this machine that writes parts. Raises StickError when somebody else does."""
        folder = self.make_folder("parcels")
        with speaking_of(self.root):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StickError(
                    f"Another `leapfrog export` is writing on the stick {self.root}: wait for it."
                ) from None
            except OSError as problem:  # not every file system has locks
                if problem.errno not in CANNOT_BE_DONE:
                    raise stick_error(self.root, problem) from problem
            yield
        finally:
            with suppress(OSError):
                os.close(descriptor)

    def write(self, kind: Kind, name: str, content: bytes) -> Path:
        """A file with this content, whole and durable or not at all. One of that name is replaced."""
        path = self.make_folder(kind) / name
        with speaking_of(self.root):
            unfinished = path.with_name(name + UNFINISHED)
            try:
                with _new_file(unfinished) as file:
                    _write_all(file, content)
                    _settle(file)
                unfinished.replace(path)
            except BaseException:
                _remove(unfinished)
                raise
            _fsync_folder(path.parent)
        return path

    @contextmanager
    def writing(self, part: PartName) -> Iterator["PartFile"]:
        """A part that is being written, which is gone again unless it gets its name (`PartFile.finish`)."""
        file = PartFile(self.make_folder("parcels"), part, self._largest_file_bytes, self.root)
        try:
            with speaking_of(self.root):
                yield file
        finally:
            file.close()

    def remove(self, part: PartName) -> None:
        """Remove a part. Its first file goes first: what is left after that is no part any more."""
        with speaking_of(self.root):
            for path in self.volumes(part):
                _unlink(path)
            _fsync_folder(self.folder("parcels"))

    def remove_unfinished(self) -> int:
        """Remove what was being written when the stick was pulled out. Returns how many files that were."""
        names = self._names("parcels")
        whole = {part.volume(1) for part in self.parts()}
        left = [name for name in names if _is_left_over(name, whole)]
        with speaking_of(self.root):
            for name in left:
                _unlink(self.folder("parcels") / name)
            if left:
                _fsync_folder(self.folder("parcels"))
        return len(left)


def _is_left_over(name: str, whole: set[str]) -> bool:
    """Whether it is a part without its name, or a later piece of one whose first is not there."""
    match = PARCEL_NAME.fullmatch(name.removesuffix(UNFINISHED))
    if match is None:
        return False
    if name.endswith(UNFINISHED):
        return True
    return bool(match["volume"]) and PartName(match["export_id"], int(match["part"])).volume(1) not in whole


class PartFile(io.RawIOBase):
    """One part as it is written: a stream, in files of a size that every file system takes. `byte_count` and `sha256`
    tell what was written so far.
    """

    def __init__(self, folder: Path, part: PartName, largest_file_bytes: int, root: Path) -> None:
        """Nothing is written yet."""
        self._folder = folder
        self._part = part
        self._largest = largest_file_bytes
        self._root = root
        self._files: list[BinaryIO] = []
        self._room = 0
        self._digest = hashlib.sha256()
        self._names_given = False
        self.byte_count = 0

    @property
    def sha256(self) -> str:
        """Of what was written, in hexadecimal."""
        return self._digest.hexdigest()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        """Append `content`. Raises OSError."""
        left = memoryview(content)
        while left:
            if not self._room:
                self._files.append(_new_file(self._path(len(self._files) + 1, unfinished=True)))
                self._room = self._largest
            written = left[: self._room]
            _write_all(self._files[-1], written)
            self._room -= len(written)
            left = left[len(written) :]
        self._digest.update(content)
        self.byte_count += len(content)
        return len(content)

    def _path(self, number: int, *, unfinished: bool) -> Path:
        return self._folder / (self._part.volume(number) + (UNFINISHED if unfinished else ""))

    def settle(self) -> None:
        """Make what was written durable, and read it back: some sticks say that they stored what they did not. Raises
        StickError when they did not.
        """
        with speaking_of(self._root):
            for file in self._files:
                _settle(file)
            found = hashlib.sha256()
            for file in self._files:
                file.seek(0)
                while chunk := file.read(CHUNK_BYTES):
                    found.update(chunk)
        if found.hexdigest() != self.sha256:
            raise StickError(
                f"The stick {self._root} does not keep what is written on it: it gave back other bytes. Nothing is"
                " lost. It is worn out, or smaller than it says: use another stick, and throw this one away."
            )

    def finish(self) -> None:
        """Give it its name, after `settle`: only now is it there. Raises OSError or StickError."""
        with speaking_of(self._root):
            for number in range(len(self._files), 0, -1):  # the first one last: with it, the part is there
                self._path(number, unfinished=True).replace(self._path(number, unfinished=False))
            self._names_given = True
            _fsync_folder(self._folder)

    def close(self) -> None:
        """Close its files. Those of a part that did not get its name are removed, as far as the stick lets us."""
        if self.closed:
            return
        for file in self._files:
            with suppress(OSError):  # what is pulled out cannot be closed either
                file.close()
        if not self._names_given:
            for number in range(1, len(self._files) + 1):
                for unfinished in (True, False):
                    _remove(self._path(number, unfinished=unfinished))
        super().close()


class _Joined(io.RawIOBase):
    """Files one after the other, as one stream."""

    def __init__(self, files: Sequence[BinaryIO]) -> None:
        self._files = list(files)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while self._files:
            chunk = self._files[0].read(len(buffer))
            if chunk:
                buffer[: len(chunk)] = chunk
                return len(chunk)
            self._files.pop(0)
        return 0


def _new_file(path: Path) -> BinaryIO:
    """A file that is not there yet: what is left of one is removed first, and a link is not followed."""
    path.unlink(missing_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, FILE_MODE), "w+b", buffering=0)


def _write_all(file: BinaryIO, content: bytes | memoryview) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _settle(file: BinaryIO) -> None:
    """Have the stick store it, and have the kernel forget it, so that who reads it next reads the stick."""
    os.fsync(file.fileno())
    with suppress(OSError):  # not every file system can; then what is read is what the kernel remembers
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _fsync_folder(folder: Path) -> None:
    try:
        fsync_directory(folder)
    except OSError as problem:
        if problem.errno not in CANNOT_BE_DONE:
            raise


def _unlink(path: Path) -> None:
    """Remove a file, if there is one. A folder in its place, as a damaged FAT shows them, is left alone: it is no part,
    and nothing of ours gets its name.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    with suppress(OSError):  # the stick may be gone; whoever writes to it next removes it
        path.unlink(missing_ok=True)
