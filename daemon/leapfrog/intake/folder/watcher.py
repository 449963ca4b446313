"""Watches the folders: each file that appears there and is whole is taken once."""

from collections.abc import Callable, Iterable
from pathlib import Path

from leapfrog.intake.admission import Admission
from leapfrog.intake.folder.conversation import Begin
from leapfrog.intake.folder.folder_admission import FolderAdmission
from leapfrog.intake.folder.picture_identity import PictureIdentities
from leapfrog.intake.folder.watched_folder import WatchedFolder
from leapfrog.intake.folder.wholeness import Rests
from leapfrog.problem import Problem, Problems
from leapfrog.settings import Settings
from leapfrog.state.folder_files import FolderFiles
from leapfrog.state.journal import Journal
from leapfrog.state.spool import Spool


class FolderWatcher:
    """Takes DICOM files and pictures out of the watched folders.

    A file is ready when it has stayed the same for long enough, is complete, and nobody can write to it still. It is
    copied, made durable and remembered, and only then kept, deleted or moved as `folder.after` says. Each folder has a
    child and a thread of its own, so that one which hangs holds up no other.
    """

    def __init__(
        self,
        settings: Settings,
        admission: Admission,
        journal: Journal,
        spool: Spool,
        rests: Rests | None = None,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Nothing is watched before `start`, nor before it is `ready`: only then does the journal know every file that
        was taken. `rests` are those that go with the settings, unless given.
        """
        folder = settings.folder
        identities = PictureIdentities(folder, journal)
        files = FolderFiles(journal)
        self._folders: list[WatchedFolder] = []
        for root in _outermost(settings.inbox_dirs):
            begin = Begin(
                root=root,
                after=folder.after,
                rescan_seconds=folder.rescan_seconds,
                rests=rests or Rests.after(folder.settle_seconds),
            )
            problems = Problems()
            desk = FolderAdmission(root, admission, spool, identities, problems)
            self._folders.append(WatchedFolder(begin, desk, files, problems, ready))

    def start(self) -> None:
        """Start watching. Files that are already there count too."""
        for folder in self._folders:
            folder.start()

    def stop(self) -> None:
        """Stop. A file that is being copied stays where it is and is taken after the next start."""
        for folder in self._folders:
            folder.ask_to_stop()
        for folder in self._folders:
            folder.stop()

    def heartbeat(self) -> float:
        """time.monotonic() of the last sign of life, of that thread which gave none for longest."""
        return min(folder.heartbeat() for folder in self._folders)

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the folders now."""
        return tuple(problem for folder in self._folders for problem in folder.problems())

    def ignored_files(self) -> int:
        """How many files and links in the folders are ignored."""
        return sum(folder.ignored for folder in self._folders)

    def scans(self) -> int:
        """How often every folder has been looked through since the start."""
        return min(folder.scans for folder in self._folders)


def _outermost(roots: Iterable[Path]) -> tuple[Path, ...]:
    """The roots that lie in no other root. Scanning an outer root finds the files of those inside it too."""
    absolute = list(dict.fromkeys(root.absolute() for root in roots))
    return tuple(
        root for root in absolute if not any(root.is_relative_to(other) and root != other for other in absolute)
    )
