"""The stick or folder on which a copy is made: what is there already stays, and a copy is there whole or not at all.

Everything is first written into one folder, made durable and read back; then its files get their places, the DICOMDIR
last. What a kill or a pulled stick leaves is that folder, which the next copy removes.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from leapfrog.commands.patient_copy.manifest import NAME as MANIFEST
from leapfrog.commands.patient_copy.manifest import OUR_FILES, CopiedFile, Manifest, read_manifest
from leapfrog.durable import fsync_directory, sync_file_system
from leapfrog.errors import StickError, StickFull
from leapfrog.processes.copy_messages import STUDY_FOLDER
from leapfrog.spool_file.content import open_content, open_file
from leapfrog.stick.trouble import CANNOT_BE_DONE, speaking_of

STAGE = "LEAPFROG.TMP"
DICOMDIR, REPORT, README = "DICOMDIR", "REPORT.PDF", "README.TXT"
OBJECTS = "OBJECTS"  # where objects wait for the directory, which gives them their places
OF_THE_PATIENT = STUDY_FOLDER.partition("/")[0]
FOLDERS = (OF_THE_PATIENT, "OTHERS", "PICTURES")
LAST = (README, DICOMDIR)  # with these the copy looks whole
OUR_NAMES = frozenset((MANIFEST, DICOMDIR, REPORT, README, *FOLDERS))
STAGE_FOLDERS = re.compile(rf"{OBJECTS}|OTHERS|PICTURES|{STUDY_FOLDER.replace('/', '(/')}(/SE[0-9]{{6}})?)?", re.ASCII)
STAGE_FILES = re.compile(rf"{OBJECTS}/([0-9]+|WORK\.TMP|DICOMDIR)|OTHERS/WORK\.TMP|CONTENTS\.TXT", re.ASCII)
FILE_BYTES = 32 << 10  # that a file takes beside its content: half a cluster of a large FAT, and its entry
SPARE_BYTES = 1 << 20
CHUNK_BYTES = 1 << 20
MOST_ENTRIES = 100_000


class Medium:
    """The folder `root`, which is the root of a stick, or a folder of its own on one. Every method raises StickError
    where that cannot be used.
    """

    def __init__(self, root: Path) -> None:
        """Nothing is touched yet."""
        self.root = root
        self.stage = root / STAGE

    # ------------------------------------------------------------ what is there

    def older_copy(self, study_key: str) -> Manifest | None:
        """The copy of the same exam that is there and will be replaced; None where there is none. Raises StickError
        where something else is in the way, which is never touched.
        """
        with speaking_of(self.root):
            names = self._names(self.root)
            occupied = sorted(name for name in names if name.upper() in OUR_NAMES)
            if not occupied:
                return None
            older = read_manifest(self.root)
            if older is None:
                raise StickError(
                    f"{self.root} has {', '.join(occupied)} already, which is not of a copy that Leapfrog made."
                    " Nothing was changed. Use an empty stick, or an empty folder on this one."
                )
            if older.study_key != study_key:
                raise StickError(
                    f"{self.root} has a copy of exam {older.exam_number} already. Nothing was changed. Give each"
                    " patient a stick of their own; another exam of the same patient can go into an empty folder on"
                    " this one."
                )
            self._require_unchanged(older)
            return older

    def _require_unchanged(self, older: Manifest) -> None:
        ours = {one.path for one in older.files}
        folders = {str(above) for path in ours for above in PurePath(path).parents}
        for folder in FOLDERS:
            for path in self._below(self.root / folder):
                if path not in ours | folders:
                    raise StickError(
                        f"Somebody put {path} into the copy of this exam that {self.root} has. Nothing was changed."
                        " Move it elsewhere, or use another stick."
                    )
        for one in older.files:
            with suppress(FileNotFoundError):  # a copy whose making, or whose replacing, was cut short
                if _read_back(self.root / one.path, one.path) != one:
                    raise StickError(
                        f"{one.path} on {self.root} was changed since the copy of this exam was made. Nothing was"
                        " changed now. Use another stick."
                    )

    def _below(self, folder: Path) -> Iterator[str]:
        """What is in `folder`, and in the folders in it: paths below the root."""
        if folder.is_symlink():
            yield f"{folder.relative_to(self.root).as_posix()} (a link)"
        elif folder.is_dir():
            for name in self._names(folder):
                yield (folder / name).relative_to(self.root).as_posix()
                yield from self._below(folder / name)

    def _names(self, folder: Path) -> list[str]:
        names: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) > MOST_ENTRIES:
                    raise StickError(f"{folder} has more than {MOST_ENTRIES:,} files. Use another stick.")
        return names

    def require_room(self, byte_count: int, files: int) -> None:
        """Raise StickFull unless so many bytes in so many files fit."""
        with speaking_of(self.root):
            usage = os.statvfs(self.root)
        needed, free = byte_count + files * FILE_BYTES + SPARE_BYTES, usage.f_bavail * usage.f_frsize
        if needed > free:
            raise StickFull(
                f"The copy needs up to {needed / 1e6:,.0f} MB, and {self.root} has {free / 1e6:,.0f} MB free. Nothing"
                " was written. Make room on it, or use a larger stick."
            )

    # ------------------------------------------------------------ what is written

    @contextmanager
    def staged(self) -> Iterator[None]:
        """The folder in which a copy is made, with its own folders. However that ends, it is gone afterwards, as far as
        the stick lets us.
        """
        with speaking_of(self.root), self._alone():
            self._remove_left_over()
            try:
                for folder in (self.stage, *(self.stage / name for name in (OBJECTS, *FOLDERS))):
                    _make_folder(folder)
                yield
            finally:
                shutil.rmtree(self.stage, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StickError(f"Another copy is being made on {self.root}: wait for it.") from None
        except OSError as problem:  # not every file system has locks
            if problem.errno not in CANNOT_BE_DONE:
                os.close(descriptor)
                raise
        try:
            yield
        finally:
            with suppress(OSError):
                os.close(descriptor)

    def _remove_left_over(self) -> None:
        """What is left of a copy that was cut short, if it is nothing else."""
        if not os.path.lexists(self.stage):
            return
        for directory, folders, files in os.walk(self.stage):
            inside = Path(directory).relative_to(self.stage)
            if not all(STAGE_FOLDERS.fullmatch((inside / name).as_posix()) for name in folders):
                break
            if not all(_is_left_over((inside / name).as_posix()) for name in files):
                break
        else:
            if self.stage.is_dir() and not self.stage.is_symlink():
                shutil.rmtree(self.stage)
                return
        raise StickError(f"{self.stage} is in the way, and has files that Leapfrog did not write. Move it elsewhere.")

    def write(self, path: str, content: bytes) -> CopiedFile:
        """A file of the copy, in the folder where it is made. Raises OSError."""
        (self.stage / path).write_bytes(content)
        return self.written(path)

    def copy(self, source: Path, path: str, byte_count: int | None = None) -> CopiedFile:
        """A copy of the first `byte_count` bytes of `source`, or of all. Raises OSError; FileNotFoundError where that
        is gone.
        """
        size = source.stat().st_size if byte_count is None else byte_count
        with open_content(source, size) as stream, (self.stage / path).open("wb") as out:
            shutil.copyfileobj(stream, out, CHUNK_BYTES)
        return self.written(path)

    def move(self, path: str, to: str) -> None:
        """Move a file to another place, in a folder that is made if it is not there. Raises OSError."""
        target = self.stage / to
        for folder in reversed(target.relative_to(self.stage).parents):
            if not (self.stage / folder).exists():
                _make_folder(self.stage / folder)
        (self.stage / path).rename(target)

    def written(self, path: str) -> CopiedFile:
        """What was written as `path`. Raises OSError."""
        _let_all_read(self.stage / path, 0o644)
        return _read_back(self.stage / path, path)

    def publish(self, manifest: Manifest, older: Manifest | None) -> None:
        """Give a copy that was written its place, after it was found to be on the stick; `older` makes way for it.
        Raises OSError.
        """
        self._write_through(manifest.files)
        self.write(MANIFEST, manifest.written())
        if older is not None:
            self._remove(older)
        present = [name for name in FOLDERS if self._names(self.stage / name)]
        firsts = [MANIFEST, *present, *(name for name in (REPORT,) if (self.stage / name).exists())]
        sync_file_system(self.root)
        for name in (*firsts, *LAST):
            (self.stage / name).rename(self.root / name)
        _fsync_folder(self.root)
        sync_file_system(self.root)

    def _write_through(self, files: Sequence[CopiedFile]) -> None:
        """Have the stick store all of it, and read it back from there: some say that they stored what they did not."""
        sync_file_system(self.root)
        for one in files:
            with os.fdopen(open_file(self.stage / one.path), "rb") as stream, suppress(OSError):
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            if self.written(one.path) != one:
                raise StickError(
                    f"The stick {self.root} does not keep what is written on it. It is worn out, or smaller than it"
                    " says: use another stick, and throw this one away."
                )

    def _remove(self, older: Manifest) -> None:
        """Remove what an older copy has, its DICOMDIR first; it was found to be unchanged."""
        for path in (DICOMDIR, *(one.path for one in older.files)):
            (self.root / path).unlink(missing_ok=True)
        for folder in FOLDERS:
            for directory, _, _ in os.walk(self.root / folder, topdown=False):
                Path(directory).rmdir()


def _let_all_read(path: Path, mode: int) -> None:
    """Wherever the copy is opened, its reader is somebody else."""
    with suppress(OSError):  # FAT has no modes
        path.chmod(mode)


def _read_back(path: Path, name: str) -> CopiedFile:
    digest, byte_count = hashlib.sha256(), 0
    with os.fdopen(open_file(path), "rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            byte_count += len(chunk)
    return CopiedFile(name, byte_count, digest.hexdigest())


def _is_left_over(path: str) -> bool:
    return bool(OUR_FILES.fullmatch(path) or STAGE_FILES.fullmatch(path))


def _make_folder(folder: Path) -> None:
    folder.mkdir()
    _let_all_read(folder, 0o755)


def _fsync_folder(folder: Path) -> None:
    try:
        fsync_directory(folder)
    except OSError as problem:
        if problem.errno not in CANNOT_BE_DONE:
            raise
