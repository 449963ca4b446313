"""`leapfrog backup FILE`: writes the whole state of the box to one file, while the daemon goes on."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from leapfrog.commands.backup.archive import FOLDERS, JOURNAL_MEMBER, SETTINGS_MEMBER, ArchiveWriter
from leapfrog.control.asking import run_command
from leapfrog.errors import StorageError
from leapfrog.settings import Settings
from leapfrog.state.journal import now_text
from leapfrog.state.spool import SPOOL_NAME

COPY_SECONDS = 3600.0  # for the daemon to copy its journal


@dataclass(frozen=True)
class Backup:
    """What was written."""

    path: Path
    files: int
    byte_count: int

    @property
    def sentence(self) -> str:
        """The same for a person."""
        return (
            f"{self.path}: {self.files:,} files, {self.byte_count / 1e9:.2f} GB. It holds patient data: keep it as safe"
            " as the box itself."
        )


def write_backup(path: Path, settings: Settings, settings_file: Path | None, console: Console | None) -> Backup:
    """Write journal, spool, reports, model packages and settings to `path`.

    The journal comes first, as it is at one moment; the files that it names change no more. Those of an exam that is
    forgotten in the meantime are noted. Raises LeapfrogError when there is no state or the file cannot be written.
    """
    with ArchiveWriter(path) as archive:
        journal = Path(run_command(settings, "copy_journal", timeout_seconds=COPY_SECONDS)["path"])
        try:
            return _fill(archive, path, journal, settings, settings_file, console)
        except OSError as problem:
            raise StorageError(f"{path} cannot be written: {problem.strerror}. Nothing is left of it.") from problem
        finally:
            journal.unlink(missing_ok=True)


def _fill(
    archive: ArchiveWriter,
    path: Path,
    journal: Path,
    settings: Settings,
    settings_file: Path | None,
    console: Console | None,
) -> Backup:
    spool = settings.state_dir / SPOOL_NAME
    names = _spool_names(journal)
    total = sum(_size(spool / name) for name in names) + journal.stat().st_size
    _require_room(path, total)
    byte_count = archive.add(JOURNAL_MEMBER, journal)
    files, missing = 1, []
    with Progress(console=console, disable=console is None) as progress:
        task = progress.add_task("Images", total=total, completed=byte_count)
        for name in names:
            try:
                written = archive.add(f"{SPOOL_NAME}/{name}", spool / name)
            except FileNotFoundError:
                missing.append(name)
                continue
            files, byte_count = files + 1, byte_count + written
            progress.update(task, completed=byte_count)
        for member, source in _other_files(settings, settings_file):
            try:
                byte_count += archive.add(member, source)
            except FileNotFoundError:  # a report that was replaced, or whose exam was forgotten
                continue
            files += 1
    still_named = set(run_command(settings, "still_named", names=missing)) if missing else set()
    forgotten = tuple(name for name in missing if name not in still_named)
    archive.finish(now_text(), settings.station.name, forgotten)
    return Backup(path, files, byte_count)


def _spool_names(journal: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{journal}?mode=ro&immutable=1", uri=True)) as connection:
        rows = connection.execute(
            "SELECT spool_name FROM instances UNION SELECT spool_name FROM deliveries WHERE spool_name IS NOT NULL"
        )
        return [str(name) for (name,) in rows]


def _other_files(settings: Settings, settings_file: Path | None) -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        if folder != SPOOL_NAME:
            for directory, _, files in os.walk(settings.state_dir / folder):
                for file in sorted(files):
                    source = Path(directory) / file
                    yield source.relative_to(settings.state_dir).as_posix(), source
    if settings_file is not None:
        yield SETTINGS_MEMBER, settings_file


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _require_room(path: Path, byte_count: int) -> None:
    usage = os.statvfs(path.absolute().parent)
    if usage.f_bavail * usage.f_frsize < byte_count:
        raise OSError(errno.ENOSPC, f"it needs {byte_count / 1e9:.1f} GB, and there is less room")
