"""The messages between the main process and the child that looks at one watched folder, as lines of JSON.

The main process sends any number of `Known`, then `Begin`; after that it only answers. The child asks `RoomWanted` and
gets `Room` or `NoRoom`, then says `Copied` and gets `Admitted` or `NotAdmitted`. Everything else it just reports. It
ends when the connection does.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from leapfrog.exam import Frozen
from leapfrog.intake.folder.wholeness import Rests
from leapfrog.settings import LONGEST_RESCAN_SECONDS
from leapfrog.state.records import FolderFile

KNOWN_FILES = 10_000  # at most, in one message: a line stays far below the longest one


class Known(Frozen):
    """Files of this folder that were taken before."""

    kind: Literal["known"] = "known"
    files: tuple[FolderFile, ...]


class Begin(Frozen):
    """Look at the folder `root` until the connection ends."""

    kind: Literal["begin"] = "begin"
    root: Path
    after: Literal["keep", "delete", "move"]
    rescan_seconds: float
    rests: Rests


class Room(Frozen):
    """Copy the file to `path`, which does not exist yet."""

    kind: Literal["room"] = "room"
    path: Path


class NoRoom(Frozen):
    """Nothing can be taken now."""

    kind: Literal["no_room"] = "no_room"


class Admitted(Frozen):
    """The file is durable and remembered."""

    kind: Literal["admitted"] = "admitted"


class NotAdmitted(Frozen):
    """The file could not be made durable; `later`: it is worth another try."""

    kind: Literal["not_admitted"] = "not_admitted"
    later: bool


MainMessage = Known | Begin | Room | NoRoom | Admitted | NotAdmitted
MAIN_MESSAGE: TypeAdapter[MainMessage] = TypeAdapter(Annotated[MainMessage, Field(discriminator="kind")])


class Alive(Frozen):
    """A sign of life, which may be the last one for `seconds`: at most the longest time between two scans, so that no
    child that a file has taken over can have itself called alive for ever.
    """

    kind: Literal["alive"] = "alive"
    seconds: float = Field(default=0.0, ge=0.0, le=LONGEST_RESCAN_SECONDS, allow_inf_nan=False)


class Looked(Frozen):
    """The whole folder has been looked through; so many files and links in it are `ignored`."""

    kind: Literal["looked"] = "looked"
    ignored: int


class RoomWanted(Frozen):
    """A file of this size is ready to be copied."""

    kind: Literal["room_wanted"] = "room_wanted"
    byte_count: int


class Copied(Frozen):
    """The file is at the path that was given, complete but not durable. `picture`: it is not DICOM."""

    kind: Literal["copied"] = "copied"
    file: FolderFile
    picture: bool


class NotCopied(Frozen):
    """Nothing is at the path that was given: the file turned out to have changed, or `reason` says what is wrong with
    the spool, with the error's number.
    """

    kind: Literal["not_copied"] = "not_copied"
    reason: str = ""
    error_number: int = 0


class Recognised(Frozen):
    """Files with another inode or time, whose content is what was taken under that path: this is their state now."""

    kind: Literal["recognised"] = "recognised"
    files: tuple[FolderFile, ...]


class Gone(Frozen):
    """Files that were taken and are not there any more, by path."""

    kind: Literal["gone"] = "gone"
    paths: tuple[str, ...]


class Trouble(Frozen):
    """Something is wrong, or still is."""

    kind: Literal["trouble"] = "trouble"
    matter: str
    what: str
    remedy: str


class Cleared(Frozen):
    """It is all right again."""

    kind: Literal["cleared"] = "cleared"
    matter: str


class Noted(Frozen):
    """For the log; names no file."""

    kind: Literal["noted"] = "noted"
    text: str


ChildMessage = (
    Alive | Looked | RoomWanted | Copied | NotCopied | Recognised | Gone | Trouble | Cleared | Noted
)  # fmt: skip
CHILD_MESSAGE: TypeAdapter[ChildMessage] = TypeAdapter(Annotated[ChildMessage, Field(discriminator="kind")])
