"""Takes one file: looks whether it is whole and nobody writes to it, copies it, has it admitted, and puts it away."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from leapfrog.errors import StorageError
from leapfrog.intake.folder.conversation import Admitted, Begin, Copied, NotAdmitted, NotCopied, Room, RoomWanted
from leapfrog.intake.folder.file_kind import READ_KINDS, FileKind, kind_of
from leapfrog.intake.folder.hints import Heard
from leapfrog.intake.folder.holders import Holders, holders_of
from leapfrog.intake.folder.main_line import MainLine
from leapfrog.intake.folder.pickup import FileChanged, copy, opened
from leapfrog.intake.folder.scan import TAKEN_FOLDER, FoundFile
from leapfrog.intake.folder.wholeness import End, end_of
from leapfrog.mounts import mount_of
from leapfrog.processes.channel import ChannelClosed
from leapfrog.state.records import FolderFile


class NotTaken(Enum):
    """Why a file stays where it is."""

    NO_IMAGE = "no image: ignored until it changes"
    CANNOT_BE_KEPT = "the box cannot make it durable now"
    FAILED = "a fault of ours: ignored until it changes"


@dataclass(frozen=True)
class Wait:
    """The file must have stayed the same for so many seconds; for ever while somebody can write to it."""

    rest_seconds: float


@dataclass(frozen=True)
class Taken:
    """The file is durable and remembered."""

    file: FolderFile
    end: End


class Taking:
    """Takes the files of one folder, one at a time."""

    def __init__(self, begin: Begin, line: MainLine) -> None:
        """As `begin` says."""
        self._begin = begin
        self._line = line

    def take(self, file: FoundFile, rested_seconds: float, heard: Heard | None) -> Taken | Wait | NotTaken:
        """Take `file`, which has stayed the same for `rested_seconds`, if that is long enough.

        Raises FileChanged when it is not the same any more, and OSError when it cannot be read.
        """
        with opened(file.path, file.real_root, file.state) as stream:
            kind = kind_of(stream, file.path.name)
            if kind not in READ_KINDS:
                return NotTaken.NO_IMAGE
            holders = _holders(stream)
            if holders is Holders.SOMEBODY:
                return Wait(self._begin.rests.needed(End.WHOLE, holders))
            end = end_of(stream, kind)
            needed = self._needed_rest(end, holders, heard)
            if rested_seconds < needed:
                return Wait(needed)
            return self._copy(stream, file, kind, end)

    def _needed_rest(self, end: End, holders: Holders, heard: Heard | None) -> float:
        rests = self._begin.rests
        if holders is Holders.UNSEEN and heard is Heard.CLOSED:
            return rests.needed(end, Holders.NOBODY)
        needed = rests.needed(end, holders)
        # Written to and not closed: it is open still, unless the notice was lost, as may happen.
        return max(needed, rests.unseen) if holders is Holders.UNSEEN and heard is Heard.WRITING else needed

    def _copy(self, stream: BinaryIO, file: FoundFile, kind: FileKind, end: End) -> Taken | NotTaken:
        room = self._line.ask(RoomWanted(byte_count=file.state.byte_count))
        if not isinstance(room, Room):
            return NotTaken.CANNOT_BE_KEPT
        try:
            digest = copy(stream, room.path, file.state, self._line.beat)
            if _holders(stream) is Holders.SOMEBODY:
                raise FileChanged("A file was opened for writing while it was being copied.")
        except StorageError as problem:
            number = problem.__cause__.errno if isinstance(problem.__cause__, OSError) else None
            self._line.tell(NotCopied(reason=str(problem), error_number=number or 0))
            return NotTaken.CANNOT_BE_KEPT
        except (FileChanged, OSError):
            self._line.tell(NotCopied())
            raise
        taken = file.record(digest)
        match self._line.ask(Copied(file=taken, picture=kind is FileKind.PICTURE)):
            case Admitted():
                return Taken(taken, end)
            case NotAdmitted(later=True):
                return NotTaken.CANNOT_BE_KEPT
            case NotAdmitted():
                return NotTaken.FAILED
            case _:
                raise ChannelClosed

    def put_away(self, file: FoundFile, end: End | None = None) -> bool:
        """Delete or move a file that was taken, as `after` says, unless somebody can write to it still. Returns False
        if it stays for good because it ends early: then it may be the only whole copy one day. `end` is how it ends,
        where that is known.

        Raises FileChanged when it is not the file that was taken any more, or cannot be put away yet, and OSError.
        """
        with opened(file.path, file.real_root, file.state) as stream:
            if _holders(stream) is Holders.SOMEBODY:
                raise FileChanged("A file that was taken is open for writing.")
            if (end or end_of(stream, kind_of(stream, file.path.name))) is End.UNFINISHED:
                return False
            if self._begin.after == "delete":
                file.path.unlink()
            else:
                _move(file)
        return True


def _holders(stream: BinaryIO) -> Holders:
    actual_path = Path(f"/proc/self/fd/{stream.fileno()}").readlink()
    mount = mount_of(actual_path)
    return holders_of(stream.fileno(), local=mount is not None and mount.local)


def _move(file: FoundFile) -> None:
    target = file.root / TAKEN_FOLDER / file.path.relative_to(file.root)
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{file.path.stem} ({number}){file.path.suffix}")
    file.path.rename(target)
