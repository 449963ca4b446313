"""Which of the district's bundles this box uses, which one it tries, and to which one it goes back.

One small file, `bundles/state.json` in the state directory, says all of it and is replaced in one step: so settings and
models of a bundle change together, whenever the power fails. A running daemon only notes the `step` that comes next. It
is taken at the beginning of the next start, before anything of a bundle is looked at, so that a daemon has one and the
same bundle for as long as it runs.
"""

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leapfrog.durable import fsync_directory, write_durably
from leapfrog.errors import BundleStateDamaged, StorageError
from leapfrog.plain_file import NotPlain, opened

BUNDLES_NAME = "bundles"  # in the state directory
STATE_NAME = "state.json"
SETTINGS_NAME = "settings.toml"  # in the folder of a bundle
MODELS_NAME = "models"  # the same
LARGEST_STATE_BYTES = 64 * 1024
LARGEST_NUMBER = 999_999_999
MOST_UNREAD = 500  # instances, whose ids the state has room for
FOLDER_MODE = 0o755  # nothing in it is secret, and the state directory is closed to others anyway
# A trial has failed when so many starts in a row did not come to its end; those that the power cut, or that a person
# stopped, do not count. But a bundle with which the machine itself goes down must end too.
FAILED_STARTS, FAILED_BOOTS = 2, 6
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

STATE_WAS_DAMAGED = "The file that said which bundle was in use was damaged: have the disk of the box checked."

StepKind = Literal["try", "go back"]
_changing = threading.Lock()


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Step(_Kept):
    """What the next start does first: `try` the bundle of that number, or `go back` from it to the one before. `unread`
    are instances that could not be read with it: they are read once more afterwards.
    """

    kind: StepKind
    number: int = Field(ge=1, le=LARGEST_NUMBER)
    reason: str = ""
    by_person: bool = False
    unread: tuple[str, ...] = Field(default=(), max_length=MOST_UNREAD)


class Trial(_Kept):
    """How the trial of the present bundle has gone: how many starts of this boot, and how many boots, did not come to
    its end.
    """

    starts: int = 0
    boots: int = 0
    boot_id: str = ""

    @property
    def failed(self) -> bool:
        """Whether no further start is made with it."""
        return self.starts >= FAILED_STARTS or self.boots >= FAILED_BOOTS


class Undone(_Kept):
    """A bundle with which this box was not well, that a person left, or, if it never `was_used`, that it cannot use.
    `unread` is as in the step, until those instances wait to be read again.
    """

    number: int
    reason: str
    at: str
    by_person: bool = False
    was_used: bool = True
    unread: tuple[str, ...] = Field(default=(), max_length=MOST_UNREAD)


class BundleState(_Kept):
    """`present`: the bundle in use, None for none. `former`: the one before it. `highest`: no bundle up to this number
    is ever taken again.
    """

    present: int | None = None
    since: str = ""
    former: int | None = None
    highest: int = 0
    step: Step | None = None
    trial: Trial | None = None
    undone: Undone | None = None

    # ------------------------------------------------------------ what becomes of it

    def to_try(self, number: int) -> Self:
        """A staged bundle is to be tried at the next start. From now on its number is used up."""
        return self.model_copy(
            update={"step": Step(kind="try", number=number), "highest": max(self.highest, number), "undone": None}
        )

    def to_go_back(self, reason: str, *, by_person: bool = False, unread: Iterable[str] = ()) -> Self:
        """The present bundle is to be left at the next start, and what was `unread` with it is read once more. Nothing
        changes where there is none.
        """
        if self.present is None:
            return self
        ids = tuple(islice(unread, MOST_UNREAD))
        step = Step(kind="go back", number=self.present, reason=reason, by_person=by_person, unread=ids)
        return self.model_copy(update={"step": step})

    def left_by_person(self) -> Self:
        """A person does not want the bundle that waits or, if none does, the present one."""
        if self.step is not None and self.step.kind == "try":
            return self.model_copy(update={"step": None})
        return self.to_go_back("A person left it.", by_person=True)

    def refused(self, number: int, reason: str) -> Self:
        """A bundle that the district signed cannot be used here: its number is used up."""
        undone = Undone(number=number, reason=reason, at=_now(), was_used=False)
        return self.model_copy(update={"highest": max(self.highest, number), "undone": undone})

    def after_step(self) -> Self:
        """With the step taken that was noted."""
        step = self.step
        if step is None:
            return self
        if step.kind == "try":
            former = self.former if self.present == step.number else self.present
            changes = {"present": step.number, "former": former, "since": _now(), "trial": Trial(), "step": None}
            return self.model_copy(update=changes)
        if step.number != self.present:  # it was left already
            return self.model_copy(update={"step": None})
        undone = Undone(number=step.number, reason=step.reason, at=_now(), by_person=step.by_person, unread=step.unread)
        changes = {"present": self.former, "former": None, "since": _now(), "trial": None, "step": None}
        return self.model_copy(update={**changes, "undone": undone})

    def after_start(self, boot_id: str) -> Self:
        """With the start counted that begins now, if the present bundle is on trial."""
        trial = self.trial
        if trial is None:
            return self
        same_boot = trial.boot_id == boot_id
        starts, boots = (trial.starts + 1, trial.boots) if same_boot else (1, trial.boots + 1)
        return self.model_copy(update={"trial": Trial(starts=starts, boots=boots, boot_id=boot_id)})

    def after_orderly_end(self) -> Self:
        """With the last start taken back: a person stopped the daemon."""
        trial = self.trial
        if trial is None:
            return self
        return self.model_copy(update={"trial": trial.model_copy(update={"starts": max(0, trial.starts - 1)})})

    def after_reading_again(self) -> Self:
        """Nothing waits any more to be queued that could not be read with the bundle that was left."""
        if self.undone is None:
            return self
        return self.model_copy(update={"undone": self.undone.model_copy(update={"unread": ()})})

    def after_trial(self) -> Self:
        """The present bundle is well here, and stays."""
        return self.model_copy(update={"trial": None})


# ---------------------------------------------------------------- the file


def bundles_folder(state_dir: Path) -> Path:
    """Where bundles are kept."""
    return state_dir / BUNDLES_NAME


def bundle_folder(state_dir: Path, number: int) -> Path:
    """That of one bundle."""
    return bundles_folder(state_dir) / str(number)


def present_folder(state_dir: Path) -> Path | None:
    """The folder of the bundle in use; None where there is none, or where nobody can tell."""
    try:
        number = read_state(state_dir).present
    except StorageError:
        return None
    return None if number is None else bundle_folder(state_dir, number)


def read_state(state_dir: Path) -> BundleState:
    """The state. Raises StorageError when it cannot be read, BundleStateDamaged when nothing can be made of it."""
    path = bundles_folder(state_dir) / STATE_NAME
    try:
        with opened(path, LARGEST_STATE_BYTES, follow=False) as file:
            return BundleState.model_validate_json(file.read(LARGEST_STATE_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return BundleState()
    except OSError as problem:
        raise StorageError(f"Which bundle is used cannot be seen in {path}: {problem.strerror}.") from problem
    except (NotPlain, ValidationError, ValueError) as problem:
        raise BundleStateDamaged(f"{path} is damaged: no bundle of the district is used.") from problem


def _write(state_dir: Path, state: BundleState) -> None:
    folder = bundles_folder(state_dir)
    try:
        make_folder(folder)
        path = folder / STATE_NAME
        write_durably(path, state.model_dump_json(indent=1).encode())
        give_to_daemon(path, state_dir)
    except OSError as problem:
        raise StorageError(f"{folder} cannot be changed: {problem.strerror}.") from problem


def change_state(state_dir: Path, change: Callable[[BundleState], BundleState]) -> BundleState:
    """Replace the state by what `change` makes of it, and return that. Threads of one process take turns; of several
    processes only the one with the lock of the state directory may call this. Raises StorageError.
    """
    with _changing:
        state = read_state(state_dir)
        changed = change(state)
        if changed != state:
            _write(state_dir, changed)
        return changed


def replace_damaged_state(state_dir: Path) -> BundleState:
    """Write a state in the place of one that is damaged, and return it: no bundle is in use, and no number is taken
    again that any folder of a bundle bears. Else this box could take none any more, until a person came. Raises
    StorageError.
    """
    folder = bundles_folder(state_dir)
    try:
        names = [path.name for path in folder.iterdir() if path.is_dir()]
    except OSError as problem:
        raise StorageError(f"{folder} cannot be read: {problem.strerror}.") from problem
    numbers = [int(name) for name in names if name.isascii() and name.isdecimal()]
    highest = min(max(numbers, default=0), LARGEST_NUMBER)
    undone = Undone(number=highest, reason=STATE_WAS_DAMAGED, at=_now()) if highest else None
    state = BundleState(highest=highest, undone=undone)
    with _changing:
        _write(state_dir, state)
    return state


def make_folder(folder: Path) -> None:
    """Make a folder of bundles whose parent is there, durably, and owned as that. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir()
        folder.chmod(FOLDER_MODE)
        give_to_daemon(folder, folder.parent)
        fsync_directory(folder.parent)


def give_to_daemon(path: Path, like: Path) -> None:
    """What root writes belongs to whom `like` belongs: the daemon, which must be able to replace and remove it."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def boot_id() -> str:
    """What tells this run of the machine from the next."""
    with suppress(OSError):
        return BOOT_ID.read_text().strip()
    return ""


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
