"""`leapfrog restore FILE`: puts a backup in the place of a box's state, while no daemon runs.

What the backup still owed may have been confirmed since, so the district is asked for each of it before it is sent.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from leapfrog.commands.backup.archive import (
    FOLDERS,
    JOURNAL_MEMBER,
    SETTINGS_MEMBER,
    Manifest,
    extract,
    member_content,
    verified,
)
from leapfrog.control.control_socket import StateLock
from leapfrog.durable import fsync_directory
from leapfrog.errors import StorageError, UsageError
from leapfrog.settings import Settings, load_settings
from leapfrog.spool_file.record import Arrival, read_record
from leapfrog.state.exam_numbers import reserved_by
from leapfrog.state.forgetting.exam import ExamForgetting
from leapfrog.state.journal import JOURNAL_NAME, Journal, files_of
from leapfrog.state.spool import SPOOL_NAME, Spool
from leapfrog.state.start.restored import RESTORING_NAME, after_restore
from leapfrog.state.station.station_key import FOLDER_MODE, KEY_NAME, PUBLIC_NAME, own_as, station_folder

FORMER_NAME = "before-restore"  # and the time: folders in the state directory with states that were replaced
STAGING_NAME = "restoring.partial"  # in the state directory, before anything changes
PRESENT_STATE = (JOURNAL_NAME, f"{JOURNAL_NAME}-wal", f"{JOURNAL_NAME}-shm", *FOLDERS)


@dataclass(frozen=True)
class Restored:
    """What was restored, and where what was there before went, if anything was."""

    created_at: str
    images: int
    asked_for: int
    newer: int
    settings_file: Path | None
    former: Path | None
    forgotten: int = 0

    def sentences(self) -> list[str]:
        """The same for a person."""
        lines = [f"Restored the state of {self.created_at}: {self.images:,} images."]
        if self.asked_for:
            lines.append(
                f"{self.asked_for:,} deliveries were still owed then; the district is asked for each before it is sent."
            )
        if self.newer:
            lines.append(f"{self.newer:,} images that arrived after the backup are taken in again at the next start.")
        if self.forgotten:
            lines.append(f"Exams of the backup that were forgotten on request, and stay so: {self.forgotten:,}.")
        if self.settings_file:
            lines.append(f"The settings of the backup are in {self.settings_file}.")
        if self.former:
            lines.append(f"What was here before is in {self.former}; delete it when you do not need it.")
        return [*lines, "Now start Leapfrog: `systemctl start leapfrog` or `leapfrog run`."]


def settings_in(path: Path) -> Settings:
    """The settings in the backup `path`, for a box that has lost its own; the defaults when the backup has none.

    Raises StorageError when it is no backup, SettingsError when they are not valid any more.
    """
    content = member_content(path, SETTINGS_MEMBER)
    if content is None:
        return load_settings(None)
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(content)
        file.flush()
        return load_settings(Path(file.name))


def restore_backup(
    path: Path,
    settings: Settings,
    settings_file: Path | None,
    may_replace: Callable[[], bool],
    console: Console | None,
) -> Restored:
    """Replace the state of this box by the backup `path`. `may_replace` is asked when the box has a state already.

    The backup is read and compared to its end, and written out beside the state, before anything changes. What was
    there is moved to a folder, never deleted, and images that the backup lacks are taken from it. A power cut leaves
    the old state, or a box that says at its start that the restore must be run again. Raises LeapfrogError; UsageError
    when there is a state that may not be replaced.
    """
    state_dir = settings.state_dir
    with StateLock(state_dir), Progress(console=console, disable=console is None) as progress:
        size = path.stat().st_size if path.exists() else 0
        reading, writing = progress.add_task("Checking", total=size), progress.add_task("Writing", total=size)
        manifest = verified(path, lambda count: progress.advance(reading, count))
        present = [state_dir / name for name in PRESENT_STATE if _holds_something(state_dir / name)]
        if present and not may_replace():
            raise UsageError(
                f"{state_dir} holds the state of a box already. With --replace, that is moved to a folder in it and"
                " the backup takes its place."
            )
        staging = state_dir / STAGING_NAME
        replaced = [state_dir]
        if (state_dir / RESTORING_NAME).exists():  # cut off, when images may have gone to such a folder already
            replaced += sorted(state_dir.glob(f"{FORMER_NAME}-*"))
        try:
            for left in (staging, state_dir / RESTORING_NAME):  # of a restore that was cut off: copies of a backup
                shutil.rmtree(left, ignore_errors=True)
            staging.mkdir(mode=0o750)
            extract(path, staging, lambda count: progress.advance(writing, count))
            asked_for, images = _prepare(staging / JOURNAL_MEMBER, manifest, max(map(reserved_by, replaced)))
            for one in reversed(replaced):
                _take_key(station_folder(one), station_folder(staging))
            newer = sum(_take_newer_images(one / SPOOL_NAME, staging / SPOOL_NAME) for one in replaced)
            placed = _place_settings(staging / SETTINGS_MEMBER, settings_file, state_dir)
            _own(staging, state_dir)
            former = _exchange(staging, state_dir, present)
            forgotten = _forget_again(state_dir, settings.retention.min_free_bytes)
        except OSError as problem:
            where = f"{problem.filename}: " if problem.filename else ""
            raise StorageError(
                f"The backup could not be restored: {where}{problem.strerror}. Nothing is lost: mend that, then run it"
                " again."
            ) from problem
    return Restored(manifest.created_at, images, asked_for, newer, placed, former, forgotten)


def _exchange(staging: Path, state_dir: Path, present: list[Path]) -> Path | None:
    """Put what was written out in the place of what is there, which goes to a folder. From the first rename to the
    last, no daemon starts. Returns the folder; None when nothing was there.
    """
    restoring = staging.rename(state_dir / RESTORING_NAME)
    fsync_directory(state_dir)
    former = None
    if present:
        former = _new_folder(state_dir, f"{FORMER_NAME}-{datetime.now():%Y%m%d-%H%M%S}")
        for path in present:
            path.rename(former / path.name)
        fsync_directory(former)
    for name in PRESENT_STATE:
        _remove_empty(state_dir / name)
    for name in (*FOLDERS, JOURNAL_MEMBER):
        source = restoring / name
        if source.exists():
            source.rename(state_dir / (JOURNAL_NAME if name == JOURNAL_MEMBER else name))
    fsync_directory(state_dir)
    shutil.rmtree(restoring)
    fsync_directory(state_dir)
    return former


def _forget_again(state_dir: Path, min_free_bytes: int) -> int:
    """Forget in what was restored the exams that were forgotten on request on this box. The next start would do it too.
    Returns how many there were.
    """
    journal = Journal(state_dir / JOURNAL_NAME)
    try:
        forgotten = ExamForgetting(journal, Spool(state_dir / SPOOL_NAME, min_free_bytes)).finish()
        for path in files_of(journal.path):
            if path.exists():
                own_as(path, state_dir)
    finally:
        journal.close()
    return forgotten


def _new_folder(state_dir: Path, name: str) -> Path:
    folder, number = state_dir / name, 1
    while folder.exists():
        number += 1
        folder = state_dir / f"{name}-{number}"
    folder.mkdir(mode=0o750)
    return folder


def _remove_empty(path: Path) -> None:
    """Remove folders without files, such as those that a start makes."""
    if path.is_dir():
        shutil.rmtree(path)


def _take_newer_images(present: Path, restored: Path) -> int:
    """Give the restored spool the files of images that arrived after the backup, so that the next start takes them in.
    Returns how many.
    """
    restored.mkdir(mode=0o750, exist_ok=True)
    taken = 0
    for path in sorted(present.iterdir()) if present.is_dir() else ():
        if path.is_symlink() or not path.is_file() or (restored / path.name).exists():
            continue
        if isinstance(read_record(path), Arrival):
            os.link(path, restored / path.name)
            taken += 1
    fsync_directory(restored)
    return taken


def _take_key(present: Path, restored: Path) -> None:
    """Give the restored state the station key that is here, if the backup has none: it is older than the key, and
    others know this box by it.
    """
    if (restored / KEY_NAME).exists() or not (present / KEY_NAME).is_file():
        return
    restored.mkdir(mode=FOLDER_MODE, exist_ok=True)
    for name in (KEY_NAME, PUBLIC_NAME):
        if (present / name).is_file() and not (restored / name).exists():
            os.link(present / name, restored / name)
    fsync_directory(restored)


def _holds_something(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(files for _, _, files in os.walk(path)))


def _prepare(journal_file: Path, manifest: Manifest, numbers_reserved: int) -> tuple[int, int]:
    """Bring the journal to the present. Returns how many deliveries are asked for first, and how many images it has."""
    journal = Journal(journal_file)
    try:
        asked_for = after_restore(journal, manifest.forgotten, numbers_reserved, _days_since(manifest.created_at))
        return asked_for, sum(journal.counts("instances").values())
    finally:
        journal.close()


def _days_since(created_at: str) -> float:
    """How old the backup is by this machine's clock; 0 when that says that it comes from the future."""
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(created_at)).total_seconds() / 86_400)


def _place_settings(source: Path, settings_file: Path | None, state_dir: Path) -> Path | None:
    """Give the settings of the backup the name of the settings file, or, where there is one, a name in the state
    directory. Returns where they are; None when the backup has none.
    """
    if not source.exists():
        return None
    if settings_file is not None and not settings_file.exists():
        target = settings_file
    else:
        target = state_dir / "settings-from-backup.toml"
    shutil.copyfile(source, target)
    target.chmod(0o640)
    source.unlink()
    return target


def _own(staging: Path, state_dir: Path) -> None:
    """Let the user who owns the state directory own what was restored: usually root runs this."""
    owner = state_dir.stat()
    if os.geteuid() != 0:
        return
    for directory, folders, files in os.walk(staging):
        for name in (".", *folders, *files):
            os.chown(Path(directory) / name, owner.st_uid, owner.st_gid, follow_symlinks=False)
